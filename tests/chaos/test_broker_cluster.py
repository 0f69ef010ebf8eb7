"""Three brokers and the profile quorum: whichever of them is killed under load, nothing is lost."""

import pytest

from topology.build import build
from topology.cluster import parse_cluster
from topology.names import work_queue
from warren.broker.rabbit import RabbitBroker
from warren.testing.cable import Cable
from warren.testing.services.rabbit_cluster import RabbitCluster

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(500)]
TASKS = 3_000
WORK = work_queue("crew", "work")
QUEUES = parse_cluster("{version: 1, profile: quorum, teams: {crew: {skills: {work: {}}}}}", "cluster.yaml")


@pytest.fixture
async def brokers(server, tmp_path):
    async with RabbitCluster(tmp_path / "brokers") as brokers:
        yield brokers


async def test_the_leader_of_all_queues_and_then_the_node_that_all_talk_to_are_killed(settle_in, brokers):
    async with RabbitBroker(brokers.amqp_url(0)) as broker:
        await broker.declare(build(QUEUES))  # whoever is asked to declare a queue leads it
    async with (
        Cable(f"{brokers.amqp_url(1)}?heartbeat=5") as cable,
        settle_in(cable.url, profile="quorum") as house,
    ):
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=60)
        await house.done(handle, 300)
        assert await brokers.leader_of(WORK) == 0
        await brokers.kill(0)
        await house.done(handle, 900)
        brokers.start(0)
        await brokers.complete()
        cable.lead_to(brokers.amqp_url(2))
        await brokers.kill(1)
        await house.done(handle, 2_000)
        brokers.start(1)  # what was on the ladder may be meant for it alone, on RabbitMQ 3.10: docs/decisions.md
        await house.end(handle, TASKS)
        assert house.cluster.pids == pids
