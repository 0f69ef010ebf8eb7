import pytest

from topology.build import build
from topology.cluster import parse_cluster
from topology.names import PROJECTS_QUEUE, work_queue
from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.clock import SystemClock
from warren.errors import QueueMissing
from warren.runtime.queues import must_stand

CLUSTER = "{version: 1, teams: {scouts: {skills: {measure: {}}}}}"


async def test_a_role_whose_queues_are_missing_is_told_what_makes_them():
    async with MemoryServer(SystemClock()) as server, MemoryBroker(server) as broker:
        with pytest.raises(QueueMissing, match=f"{PROJECTS_QUEUE}.*warren topology declare"):
            await must_stand(broker, [PROJECTS_QUEUE])
        await broker.declare(build(parse_cluster(CLUSTER, "cluster.yaml")))
        await must_stand(broker, [PROJECTS_QUEUE, work_queue("scouts", "measure")])
