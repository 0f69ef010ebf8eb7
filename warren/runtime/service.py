"""The one contract for everything that starts, drains and stops."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from warren.runtime.readiness import Readiness
from warren.telemetry.telemetry import Telemetry

DRAIN_MARGIN_S: Final = 5.0
"""What a drain may take beyond its grace before it is cut off."""


class Service(Protocol):
    """A role at work. What it stands on (broker, ledger) is opened and closed by its factory, around it."""

    async def run(self) -> None:
        """Work until cancelled. Raising means that the process failed; returning, that there is nothing left to do."""

    async def drain(self, grace_s: float) -> None:
        """Take nothing new, finish what is in hand within `grace_s`, give back the rest; then `run` is cancelled."""


class ServiceFactory(Protocol):
    """Opens what a service needs, in order, and closes it in reverse.

    @asynccontextmanager
    async def director(readiness: Readiness, telemetry: Telemetry) -> AsyncIterator[Service]:
        broker = RabbitBroker(...)
        readiness.watch("broker", lambda: broker.waiting_for)
        async with broker, Ledger(...) as ledger:
            yield Director(broker, ledger, telemetry)
    """

    def __call__(self, readiness: Readiness, telemetry: Telemetry, /) -> AbstractAsyncContextManager[Service]: ...


async def host(service: Service, stop: asyncio.Event, grace_s: float) -> None:
    """Run a service until it ends, or until `stop` is set and it is drained."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(service.run())
        stopping = group.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await _drain(service, grace_s)
        stopping.cancel()
        running.cancel()


async def _drain(service: Service, grace_s: float) -> None:
    async with asyncio.timeout(grace_s + DRAIN_MARGIN_S):
        await service.drain(grace_s)
