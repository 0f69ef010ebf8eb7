"""A whole project under restricted users: everybody may do what it has to, and nobody was refused anything."""

import asyncio
import json
from uuid import uuid4

import aio_pika
import pytest

from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.testing.patience import wait_until

WORDS = ["one", "three", "five"]
ANSWER_S = 90


def complaints(folder):
    """What the logs say of refused rights."""
    lines = [line for file in folder.glob("*.log") for line in file.read_text(errors="replace").splitlines()]
    return [line for line in lines if "ACCESS_REFUSED" in line or "refused for user" in line]


async def test_a_project_goes_down_the_hierarchy_and_its_result_comes_back(house, roles):
    folder, processes = roles
    async with Client(house.url("acme"), name="acme--1", answer_within_s=ANSWER_S) as client:
        handle = await client.submit("whole", input={"words": WORDS})
        async with asyncio.timeout(ANSWER_S):
            output = await handle.result()
        assert output["total"] == sum(map(len, WORDS)), output
        assert [project["id"] for project in await client.projects()].count(handle.id) == 1
    assert complaints(folder) == []
    assert {name: process.poll() for name, process in processes.items()} == dict.fromkeys(processes)


async def test_what_failed_is_in_the_teams_dead_letters(house, roles):
    async with Client(house.url("acme"), name="acme", answer_within_s=ANSWER_S) as client:
        await (await client.submit("whole", input={"words": WORDS})).result()
    async with RabbitBroker(house.admin_url) as admin:

        async def letters():
            return (await admin.depth("warren.dead.scouts")).messages

        assert await wait_until(letters, timeout_s=20) > 0


async def test_a_publisher_can_cancel_its_project(house, roles):
    folder, _ = roles
    async with Client(house.url("acme"), name="acme", answer_within_s=ANSWER_S) as client:
        handle = await client.submit("whole", input={"words": ["x"] * 300})
        await handle.cancel("no longer wanted")
        assert (await handle.outcome()).status in {"cancelled", "succeeded"}
    assert complaints(folder) == []


async def test_amqps_own_direct_reply_to_needs_no_right_to_read(house, roles):
    """The shortest way for a program without our client: one connection, no queue."""
    async with await aio_pika.connect(house.url("umbrella")) as connection:
        channel = await connection.channel()
        answers = asyncio.Queue()
        replies = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await replies.consume(answers.put, no_ack=True)
        await submit(channel, "amq.rabbitmq.reply-to")
        kinds = [json.loads((await asyncio.wait_for(answers.get(), ANSWER_S)).body)["answer"]["kind"] for _ in range(2)]
    assert kinds == ["accepted", "finished"]


@pytest.mark.parametrize(
    "reply_to", ["warren.work.scouts.measure", "warren.projects", "amq.default", "reply.acme.more", "amq.gen-forged"]
)
async def test_a_hostile_reply_address_leads_to_no_queue(house, roles, reply_to):
    folder, _ = roles
    async with await aio_pika.connect(house.url("umbrella")) as connection, RabbitBroker(house.admin_url) as admin:
        before = (await admin.depth("warren.dead.director")).messages
        await submit(await connection.channel(), reply_to)

        async def parked():
            return (await admin.depth("warren.dead.director")).messages == before + 1

        await wait_until(parked, timeout_s=30, reason="a dead letter with the reason")
        if reply_to.startswith("warren."):
            assert (await admin.depth(reply_to)).messages == 0
    assert complaints(folder) == []


async def test_a_forged_direct_reply_address_reaches_nobody_and_stops_nobody(house, roles):
    """RabbitMQ 3.10 hangs up on the director for it; the director says so, and goes on on a new connection."""
    folder, processes = roles
    async with await aio_pika.connect(house.url("umbrella")) as connection:
        await submit(await connection.channel(), "amq.rabbitmq.reply-to.g1h2AA5yZXBseUA.forged")
    async with Client(house.url("acme"), name="acme", answer_within_s=ANSWER_S) as client:
        assert (await (await client.submit("whole", input={"words": []})).outcome()).status == "succeeded"
    assert complaints(folder) == []
    assert all(process.poll() is None for process in processes.values())


async def submit(channel, reply_to):
    ingress = await channel.get_exchange("warren.ingress", ensure=False)
    body = json.dumps({"id": str(uuid4()), "playbook": "whole", "input": {"words": WORDS}}).encode()
    await ingress.publish(aio_pika.Message(body, reply_to=reply_to), "project.whole")
