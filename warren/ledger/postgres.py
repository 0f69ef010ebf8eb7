"""The ledger in a PostgreSQL database, for a cluster; over asyncpg."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Final, Self

from sqlalchemy import NullPool
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from warren.errors import InvalidInput
from warren.ledger.migration import migrate
from warren.ledger.outage import postgres_explained
from warren.ledger.tls import connect_arguments
from warren.ledger.work import T, Work, carry_out, look_up

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT: Final = "command_timeout"
"""In the URL: seconds after which a statement without an answer was sent into a dead connection."""
ANSWER_TIMEOUT_S: Final = 30.0
LOCK_TIMEOUT_S: Final = 20
"""How long to wait for a row that another coordinator holds; what did not get it is tried again."""
IDLE_TIMEOUT_S: Final = 30.0
"""A machine that vanishes in a transaction says nothing: without a limit its locks would be held for ever."""
_KEEPALIVE: Final = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}


class PostgresLedger:
    """A pool of connections; what a lost one was doing is tried again by whoever asked for it."""

    def __init__(self, url: URL, *, pool_size: int = 4, idle_s: float = IDLE_TIMEOUT_S) -> None:
        """`idle_s`: how long a transaction may be silent before the server ends it."""
        self._place = _place(url)
        limited, answer_s = _answer_timeout(url)
        bare, self._connect_args = connect_arguments(limited.set(drivername="postgresql+asyncpg"))
        self._connect_args |= {
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {"application_name": "warren", "jit": "off", **_KEEPALIVE},
        }
        waiting = {
            "lock_timeout": f"{LOCK_TIMEOUT_S}s",
            "idle_in_transaction_session_timeout": f"{idle_s * 1000:.0f}ms",
        }
        at_work = {**self._connect_args, "server_settings": {**self._connect_args["server_settings"], **waiting}}
        self._engine: AsyncEngine = create_async_engine(
            bare,
            pool_size=pool_size,
            hide_parameters=True,
            connect_args={**at_work, "command_timeout": answer_s},
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def __aenter__(self) -> Self:
        try:
            with postgres_explained(self._place, opening=True):
                await self._migrate()
        except BaseException:
            await self._engine.dispose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def transact(self, work: Work[T]) -> T:
        with postgres_explained(self._place):
            async with self._engine.begin() as connection:
                return await connection.run_sync(carry_out, work)

    async def read(self, work: Work[T]) -> T:
        with postgres_explained(self._place):
            async with self._snapshots.begin() as connection:
                return await connection.run_sync(look_up, work)

    async def _migrate(self) -> None:
        """On a connection of its own: to change a large table may take longer than any answer."""
        engine = create_async_engine(
            self._engine.url, poolclass=NullPool, hide_parameters=True, connect_args=self._connect_args
        )
        async with engine.begin() as connection:
            await connection.run_sync(migrate)


def _place(url: URL) -> str:
    """Where the database is, without who asks for it; several hosts may stand in the query, as libpq reads them."""
    named = url.query.get("host", "localhost")
    host = url.host or (named if isinstance(named, str) else ", ".join(named))
    at = f"[{host}]" if ":" in host and not url.query.get("host") else host
    return f"at {at}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def _answer_timeout(url: URL) -> tuple[URL, float]:
    """The URL without its `command_timeout`, and that in seconds. Raises InvalidInput."""
    said = url.query.get(ANSWER_TIMEOUT)
    if said is None:
        return url, ANSWER_TIMEOUT_S
    try:
        answer_s = float(str(said))
    except ValueError:
        answer_s = 0.0
    if not 0 < answer_s < math.inf:
        raise InvalidInput("ledger_url", f"the ledger's {ANSWER_TIMEOUT} is a number of seconds above 0") from None
    return url.difference_update_query([ANSWER_TIMEOUT]), answer_s
