"""What coordinators stand on: a broker that has their queues, and the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from warren.broker.port import Broker
from warren.broker.rabbit.broker import RabbitBroker
from warren.ledger.ledger import Ledger, open_ledger
from warren.runtime.queues import must_stand
from warren.runtime.readiness import Readiness
from warren.runtime.settings import CoordinatorSettings
from warren.telemetry import contract
from warren.telemetry.telemetry import Telemetry


@asynccontextmanager
async def foundation(
    settings: CoordinatorSettings, readiness: Readiness, telemetry: Telemetry, queues: Iterable[str]
) -> AsyncIterator[tuple[Broker, Ledger]]:
    """Open both, and close them in reverse. Raises QueueMissing, BrokerUnavailable and LedgerUnavailable."""
    broker = RabbitBroker(settings.amqp_url.get_secret_value(), name=settings.agent)
    ledger = open_ledger(settings.ledger_url.get_secret_value())
    readiness.watch("broker", lambda: broker.waiting_for)
    telemetry.children = settings.trace_children
    telemetry.metrics.watch(contract.RECONNECTS, lambda: broker.reconnects)
    async with broker, ledger:
        await must_stand(broker, queues)
        yield broker, ledger
