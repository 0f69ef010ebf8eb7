import sqlite3
from contextlib import closing

import pytest

from warren.cli.app import run
from warren.errors import InvalidInput
from warren.ledger.ledger import open_ledger


@pytest.fixture
async def url(tmp_path):
    file = tmp_path / "ledger.sqlite3"
    async with open_ledger(f"sqlite:///{file}"):
        pass
    with closing(sqlite3.connect(file)) as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")
        ledger.commit()
    return f"sqlite:///{file}"


async def test_a_ledger_that_a_later_version_has_migrated_is_refused_in_words(url):
    with pytest.raises(InvalidInput, match="9999") as caught:
        async with open_ledger(url):
            pytest.fail("it was opened")
    assert caught.value.code == "ledger_newer"


def test_the_command_says_so_and_ends(tmp_path, capsys):
    file = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(file)) as ledger:
        ledger.execute("CREATE TABLE alembic_version (version_num TEXT)")
        ledger.execute("INSERT INTO alembic_version VALUES ('9999')")
        ledger.commit()
    assert run(["ledger", "migrate", "--ledger-url", f"sqlite:///{file}"]) == 2
    assert "run the version that migrated the ledger" in capsys.readouterr().err.replace("\n", " ")
