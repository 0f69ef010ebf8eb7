"""The ledger within TLS, by words in the URL and by libpq's variables."""

import pytest

from warren.errors import InvalidInput
from warren.ledger.ledger import open_ledger

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def works(url):
    async with open_ledger(url):
        return True


async def test_the_servers_certificate_is_checked_as_the_mode_says(tls_ledger, papers):
    ca = papers.cert("ca")
    assert await works(tls_ledger.url(sslmode="verify-full", sslrootcert=ca))
    assert await works(tls_ledger.url(sslrootcert=ca)), "a root certificate is reason enough to check everything"
    assert await works(tls_ledger.url(sslmode="verify-ca", sslrootcert=ca))
    assert await works(tls_ledger.url(sslmode="require"))
    assert await works(tls_ledger.url(sslmode="prefer"))
    assert await works(tls_ledger.url())


async def test_a_server_of_another_authority_is_not_trusted(tls_ledger, papers):
    stranger = papers.cert("stranger-ca")
    for mode in ("require", "verify-ca", "verify-full"):
        with pytest.raises(InvalidInput, match=r"(?i)certificate"):
            await works(tls_ledger.url(sslmode=mode, sslrootcert=stranger))


async def test_without_tls_this_server_lets_nobody_in(tls_ledger):
    with pytest.raises(InvalidInput) as caught:
        await works(tls_ledger.url(sslmode="disable"))
    assert tls_ledger.password not in str(caught.value)


async def test_a_certificate_can_stand_for_the_password(tls_ledger, papers):
    ours = {"sslcert": papers.cert("warren"), "sslkey": papers.key("warren")}
    url = tls_ledger.url(
        user="certified", password="none", sslmode="verify-full", sslrootcert=papers.cert("ca"), **ours
    )
    assert await works(url)
    other = {"sslcert": papers.cert("warren-director"), "sslkey": papers.key("warren-director")}
    for shown in ({}, other):
        with pytest.raises(InvalidInput):
            await works(tls_ledger.url(user="certified", password="none", sslrootcert=papers.cert("ca"), **shown))


@pytest.mark.parametrize(
    "words",
    [{"sslmode": "sometimes"}, {"sslrootcert": "/nowhere/ca.crt"}, {"sslmode": "require", "sslcert": "/nowhere/x"}],
)
async def test_words_that_cannot_be_used_are_said_and_the_password_is_not(tls_ledger, words):
    with pytest.raises(InvalidInput) as caught:
        await works(tls_ledger.url(**words))
    assert caught.value.code == "ledger_url"
    assert tls_ledger.password not in str(caught.value)
    assert next(reversed(words.values())) in str(caught.value)


async def test_the_variables_of_libpq_do_as_well(tls_ledger, papers, command):
    """As k8s/overlays/prod sets them."""
    settings = {"WARREN_LEDGER_URL": tls_ledger.url(), "PGSSLMODE": "verify-full"}
    code, said = command("warren.cli", "ledger", "migrate", **settings, PGSSLROOTCERT=papers.cert("ca"))
    assert code == 0, said
    code, said = command("warren.cli", "ledger", "migrate", **settings, PGSSLROOTCERT=papers.cert("stranger-ca"))
    assert code == 2, said
    assert tls_ledger.password not in said


async def test_a_wrong_password_is_not_repeated(tls_ledger, papers, secret):
    with pytest.raises(InvalidInput) as caught:
        await works(tls_ledger.url(password=secret, sslrootcert=papers.cert("ca")))
    assert secret not in str(caught.value)
