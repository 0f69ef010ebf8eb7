"""AMQP within TLS: the broker's certificate is checked, ours is shown, and both can stand for a password."""

import pytest

from warren.broker.port import Outgoing
from warren.broker.rabbit.broker import RabbitBroker
from warren.errors import BrokerUnavailable

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def works(url):
    """Whether a connection can be had and used."""
    async with RabbitBroker(url, connect_timeout_s=3) as broker:
        await broker.publish([Outgoing("amq.topic", "nobody", b"{}", mandatory=False)])
        return bool(broker.server_version)


async def test_a_broker_with_a_certificate_of_our_authority_is_trusted(tls_broker, papers):
    assert await works(tls_broker.url(cafile=papers.cert("ca")))


async def test_a_broker_of_another_authority_is_not(tls_broker, papers):
    for words in ({"cafile": papers.cert("stranger-ca")}, {}):
        with pytest.raises(BrokerUnavailable, match=r"(?i)certificate"):
            await works(tls_broker.url(**words))


async def test_a_certificate_for_another_host_is_not_enough(tls_broker, papers):
    with pytest.raises(BrokerUnavailable, match=r"(?i)mismatch|certificate"):
        await works(tls_broker.url(host="127.0.0.1", cafile=papers.cert("ca")))


async def test_a_missing_file_is_named_and_the_password_is_not(tls_broker, papers, secret):
    with pytest.raises(BrokerUnavailable) as caught:
        await works(tls_broker.url(password=secret, cafile=f"{papers.folder}/nowhere.crt"))
    assert secret not in str(caught.value)
    assert "TLS" in str(caught.value)


async def test_plain_amqp_to_a_port_that_speaks_tls_ends_with_an_error(tls_broker, secret):
    url = tls_broker.url(password=secret).replace("amqps://", "amqp://")
    with pytest.raises(BrokerUnavailable) as caught:
        await works(url)
    assert secret not in str(caught.value)


async def test_a_broker_that_wants_our_certificate_gets_it(mtls_broker, papers):
    shown = {"certfile": papers.cert("warren-director"), "keyfile": papers.key("warren-director")}
    assert await works(mtls_broker.url(cafile=papers.cert("ca"), **shown))


async def test_without_a_certificate_or_with_a_forged_one_it_lets_nobody_in(mtls_broker, papers):
    forged = {"certfile": papers.cert("forged"), "keyfile": papers.key("forged")}
    for shown in ({}, forged):
        with pytest.raises(BrokerUnavailable):
            await works(mtls_broker.url(cafile=papers.cert("ca"), **shown))


async def test_a_certificate_can_stand_for_the_password(mtls_broker, papers):
    """EXTERNAL: the user is the certificate's common name."""
    await mtls_broker.node.ctl("add_user", "warren-director", "not-used-here-1")
    await mtls_broker.node.ctl("set_permissions", "warren-director", "^$", r"^amq\.topic$", "^$")
    shown = {"certfile": papers.cert("warren-director"), "keyfile": papers.key("warren-director")}
    url = mtls_broker.url(user="warren-director", password="wrong", auth="EXTERNAL", cafile=papers.cert("ca"), **shown)
    assert await works(url)
    with pytest.raises(BrokerUnavailable, match="login refused"):
        await works(
            mtls_broker.url(
                user="x",
                password="x",
                auth="EXTERNAL",
                cafile=papers.cert("ca"),
                certfile=papers.cert("unknown"),
                keyfile=papers.key("unknown"),
            )
        )
