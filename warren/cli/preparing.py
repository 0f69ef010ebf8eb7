"""What has to be true before the first process starts: the topology stands, the ledger has its tables."""

from __future__ import annotations

from topology.build import build
from topology.cluster import Cluster
from topology.profile import check_profile
from warren.broker.rabbit.broker import RabbitBroker
from warren.ledger.ledger import open_ledger


async def prepare(cluster: Cluster, amqp_url: str, ledger_url: str) -> None:
    """Raises BrokerUnavailable, ProfileRefused, TopologyMismatch and LedgerUnavailable."""
    await declare(cluster, amqp_url)
    await migrate(ledger_url)


async def declare(cluster: Cluster, amqp_url: str) -> str:
    """Declare what the cluster file asks for; returns the broker's version."""
    async with RabbitBroker(amqp_url, name="warren topology") as broker:
        check_profile(cluster.profile, broker.server_version)
        await broker.declare(build(cluster))
        return broker.server_version


async def migrate(ledger_url: str) -> None:
    """Bring the ledger's tables to this version: opening it does that."""
    async with open_ledger(ledger_url):
        pass
