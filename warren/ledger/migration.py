"""Brings a database's tables to this version's schema, with Alembic; safe to call from many processes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from warren.errors import InvalidInput

HEAD: Final = "0005"
SCRIPTS: Final = Path(__file__).parent / "migrations"
ADVISORY_LOCK: Final = 0x57415252454E  # "WARREN"


def migrate(connection: Connection) -> None:
    """Migrate within the caller's transaction. Does next to nothing when the schema is current.

    Raises InvalidInput for a schema from the future.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    found = revision(connection)
    if found is not None and found > HEAD:
        raise InvalidInput(
            "ledger_newer",
            f"the ledger has schema {found}, and this version of Warren knows {HEAD} at most; run the version that "
            "migrated the ledger, or restore the backup from before",
        )
    if found != HEAD:
        _upgrade(connection)


def revision(connection: Connection) -> str | None:
    """The schema's version, or None for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
