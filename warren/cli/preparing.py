"""What has to be true before the first process starts: the topology stands, the ledger has its tables."""

from __future__ import annotations

import asyncio
from typing import Final

from topology import names
from topology.build import build
from topology.cluster import Cluster
from topology.declaration import Topology
from topology.profile import check_profile
from warren.broker.port import Broker
from warren.broker.rabbit.broker import RabbitBroker
from warren.errors import LedgerUnavailable, QueueMissing, TopologyMismatch
from warren.ledger.ledger import open_ledger

STILL_STARTING: Final = "down or inaccessible"
"""A node that was just started takes connections before its streams and quorum queues are back."""
OTHERS: Final = (
    "a director works on this broker already: it gets a part of the projects, so it must have this cluster's ledger "
    "and cluster.yaml; if it has not, give this cluster a vhost of its own"
)
AWAKE_WITHIN_S: Final = 30.0
AGAIN_S: Final = 0.5


async def declare(cluster: Cluster, amqp_url: str) -> str:
    """Declare what the cluster file asks for; returns the broker's version.

    Raises BrokerUnavailable, ProfileRefused and TopologyMismatch.
    """
    async with RabbitBroker(amqp_url, name="warren topology") as broker:
        check_profile(cluster.profile, broker.server_version)
        await _declare(broker, build(cluster))
        return broker.server_version


async def others(amqp_url: str) -> str:
    """A warning where a director works on this broker already, else nothing."""
    async with RabbitBroker(amqp_url, name="warren topology") as broker:
        try:
            directors = (await broker.depth(names.PROJECTS_QUEUE)).consumers
        except QueueMissing:
            return ""
    return OTHERS if directors else ""


async def _declare(broker: Broker, topology: Topology) -> None:
    end_s = asyncio.get_running_loop().time() + AWAKE_WITHIN_S
    while True:
        try:
            return await broker.declare(topology)
        except TopologyMismatch as error:
            if STILL_STARTING not in str(error) or asyncio.get_running_loop().time() > end_s:
                raise
        await asyncio.sleep(AGAIN_S)


async def migrate(ledger_url: str) -> None:
    """Bring the ledger's tables to this version: opening it does that. Raises InvalidInput and LedgerUnavailable."""
    try:
        async with open_ledger(ledger_url):
            pass
    except LedgerUnavailable as error:
        raise LedgerUnavailable(f"{error}; check that the database runs there, and WARREN_LEDGER_URL") from None
