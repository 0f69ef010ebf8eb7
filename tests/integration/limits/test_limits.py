"""Too much or too large is refused, with the reason and the time to come again; nothing accepted is lost."""

import asyncio
import signal
from uuid import uuid4

import pytest

from topology.names import DIRECTOR, dead_queue
from warren.ledger.ledger import open_ledger
from warren.ledger.outbox import stale_unreported
from warren.testing.patience import wait_until

DEAD = dead_queue(DIRECTOR)
SHORT = {"playbook": "repeat", "input": {"text": "x", "times": 1}}
OPEN = 20

pytestmark = [pytest.mark.asyncio(loop_scope="module")]


async def letters(admin):
    return (await admin.depth(DEAD)).messages


async def test_who_sends_too_fast_is_told_when_to_come_again_and_may_then(limited, caller, admin):
    before = await letters(admin)
    projects = [{"id": str(uuid4()), **SHORT} for _ in range(6)]
    for project in projects:
        await limited.send(project)
    kinds, refusals = [], []
    while kinds.count("finished") < 3 or len(refusals) < 3:
        reply = await limited.answer()
        kinds.append(reply["answer"]["kind"])
        refusals += [reply["answer"]] if kinds[-1] == "rejected" else []
    assert {refusal["error"]["code"] for refusal in refusals} == {"rate_limited"}
    assert all(0 < refusal["retry_after_s"] <= 6 for refusal in refusals)
    assert not any(refusal["error"].get("permanent") for refusal in refusals)
    assert await wait_until(lambda: letters(admin)) == before + 3
    await caller.send(SHORT)
    await caller.answers("finished", 1)

    async def accepted():
        await limited.send(projects[-1])
        return (await limited.answer())["answer"]["kind"] == "accepted"

    assert await wait_until(accepted, timeout_s=20)
    await limited.answers("finished", 1)


async def test_a_clients_own_limit_on_the_size_counts(limited, caller):
    long = {"playbook": "repeat", "input": {"text": "x" * 400, "times": 1}}
    await caller.send(long)
    await caller.answers("finished", 1)

    async def refused():
        await limited.send(long)
        return (await limited.answer())["answer"]["error"]

    error = await refused()
    assert error["code"] == "message_too_large"
    assert "limits.client.message_bytes" in error["message"]


async def test_projects_beyond_the_open_ones_wait_in_the_broker_and_none_is_lost(caller, tmp_path):
    path = tmp_path / "go"
    wanted = [str(uuid4()) for _ in range(100)]
    for project in wanted:
        await caller.send({"id": project, "playbook": "wait", "input": {"path": str(path)}})
    accepted = {reply["project"] for reply in await caller.answers("accepted", OPEN)}
    await caller.send({"noun": "projects", "limit": 200}, key="query.projects")
    reply = await caller.answer()  # the director answers what it is asked, and accepts no more
    assert reply["answer"]["kind"] == "projects", reply
    begun = [each["id"] for each in reply["answer"]["projects"] if each["status"] == "open"]
    assert set(begun) == accepted
    assert len(begun) == OPEN
    path.touch()
    finished = [reply["project"] for reply in await caller.answers("finished", len(wanted))]
    assert sorted(finished) == sorted(wanted)


@pytest.mark.endurance
async def test_a_project_with_too_many_tasks_is_ended_and_others_go_on(caller, admin):
    await caller.send({"playbook": "many", "input": {"items": list(range(200))}})
    await caller.send({"playbook": "many", "input": {"items": [1]}, "timeout_s": 25})
    await caller.answers("accepted", 2)
    (reply,) = await caller.answers("finished", 1)
    error = reply["answer"]["outcome"]["error"]
    assert error["code"] == "project_too_large"
    assert "limits.project_tasks" in error["message"]
    await caller.send(SHORT)
    outcomes = {(await caller.answers("finished", 1))[0]["answer"]["outcome"]["status"] for _ in range(2)}
    assert outcomes == {"succeeded", "expired"}


async def test_who_does_not_read_its_replies_keeps_nobody_from_theirs(cluster, caller):
    """Its queue is full and refuses: the director goes on, and does not try for ever."""
    full = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    queue = await caller.channel.declare_queue("", exclusive=True, arguments=full)
    key = f"reply.{uuid4().hex}"
    await queue.bind(await caller.channel.get_exchange("warren.replies", ensure=False), key)
    for _ in range(60):
        await caller.send(SHORT, reply_to=key)
    await caller.send(SHORT)
    await caller.answers("finished", 1)

    async with open_ledger(cluster.ledger_url) as ledger:

        async def all_reported():
            later = 1e12
            return not await ledger.read(lambda transaction: stale_unreported(transaction, later, later, 1000))

        assert await wait_until(all_reported, timeout_s=20, reason="no outcome is left to report")


async def test_who_stops_reading_from_its_connection_keeps_nobody_from_theirs(cluster, caller, admin):
    """A program that hangs, with a connection that is open: the broker can send no more, and keeps what is said."""
    name, key = f"stalled-{uuid4().hex}", f"reply.{uuid4().hex}"
    queue = await caller.channel.declare_queue(name, durable=True, auto_delete=True)
    await queue.bind(await caller.channel.get_exchange("warren.replies", ensure=False), key)
    program = ("amqp-consume", "--url", cluster.amqp_url, "--queue", name, "--no-ack", "cat")
    stalled = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.DEVNULL)
    try:
        await wait_until(lambda: has_consumer(admin, name), timeout_s=20)
        stalled.send_signal(signal.SIGSTOP)
        heavy = {"playbook": "repeat", "input": {"text": "x" * 1_000, "times": 500}}
        for _ in range(40):  # 20 MB of replies, more than sockets hold
            await caller.send(heavy, reply_to=key)
        await caller.send(SHORT)
        (reply,) = await caller.answers("finished", 1)
        assert reply["answer"]["outcome"]["status"] == "succeeded"
    finally:
        stalled.kill()
        await stalled.wait()


async def has_consumer(admin, queue):
    return (await admin.depth(queue)).consumers
