"""docs/operations.md, "From classic to quorum"."""

import pytest

from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.management import fetch_definitions

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(240)]


async def test_a_drained_cluster_moves_to_quorum_queues(deployment):
    assert await (await deployment.submit(5)).result() == {"count": 5}
    assert await deployment.dead_letters("crew") == {}
    members = {name: member.command for name, member in deployment.cluster.members.items()}
    await deployment.stop(*members)

    text = deployment.file.read_text()
    deployment.file.write_text(text.replace("version: 1", "version: 1\nprofile: quorum"))
    refused = await deployment.warren("topology", "declare", code=4)
    assert "exists with x-queue-type classic, but quorum is wanted" in refused

    document = await fetch_definitions(deployment.management_url, deployment.cluster.amqp_url)
    async with RabbitBroker(deployment.cluster.amqp_url, name="test") as broker:
        for queue in document["queues"]:
            if queue["name"].startswith("warren.") and queue["name"] != "warren.history":
                await broker.delete_queue(queue["name"])
    await deployment.warren("topology", "declare")
    await deployment.warren("topology", "check")

    for name, command in members.items():
        deployment.cluster.start(name, *command)
    await deployment.cluster.ready()
    assert await (await deployment.submit(20)).result() == {"count": 20}
    await deployment.warren("doctor")
