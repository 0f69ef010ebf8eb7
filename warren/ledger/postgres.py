"""The ledger in a PostgreSQL database, for a cluster; over asyncpg."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from warren.ledger.migration import migrate
from warren.ledger.outage import postgres_explained
from warren.ledger.tls import connect_arguments
from warren.ledger.work import T, Work, carry_out, look_up

CONNECT_TIMEOUT_S: Final = 10.0


class PostgresLedger:
    """A pool of connections; what a lost one was doing is tried again by whoever asked for it."""

    def __init__(self, url: URL, *, pool_size: int = 4) -> None:
        bare, tls = connect_arguments(url.set(drivername="postgresql+asyncpg"))
        self._engine: AsyncEngine = create_async_engine(
            bare,
            pool_size=pool_size,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "server_settings": {"application_name": "warren", "jit": "off"},
                **tls,
            },
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def __aenter__(self) -> Self:
        try:
            with postgres_explained(opening=True):
                async with self._engine.begin() as connection:
                    await connection.run_sync(migrate)
        except BaseException:
            await self._engine.dispose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._engine.dispose()

    async def transact(self, work: Work[T]) -> T:
        with postgres_explained():
            async with self._engine.begin() as connection:
                return await connection.run_sync(carry_out, work)

    async def read(self, work: Work[T]) -> T:
        with postgres_explained():
            async with self._snapshots.begin() as connection:
                return await connection.run_sync(look_up, work)
