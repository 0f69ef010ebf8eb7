"""What clients ask is answered at once, whatever came in the same batch."""

import asyncio
import json
import os

import pytest

from director.director import Director
from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Delivery, Properties
from warren.clock import SystemClock
from warren.ledger.ledger import open_ledger
from warren.patterns.playbook import Playbooks

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "cluster.yaml")
RESULT = {"id": f"{PROJECT}/0", "owner": PROJECT, "attempt": 1, "outcome": {"status": "succeeded", "output": {}}}


class LongReads:
    """Writes at once, and reads when it is told to."""

    def __init__(self, ledger):
        self._ledger = ledger
        self.over = asyncio.Event()

    async def transact(self, work):
        return await self._ledger.transact(work)

    async def read(self, work):
        await self.over.wait()
        return await self._ledger.read(work)


class BusyLedger:
    """Reads at once, and writes when it is told to."""

    def __init__(self, ledger):
        self._ledger = ledger
        self.free = asyncio.Event()

    async def transact(self, work):
        await self.free.wait()
        return await self._ledger.transact(work)

    async def read(self, work):
        return await self._ledger.read(work)


def delivery(exchange, key, body, **properties):
    content = json.dumps(body).encode()
    return Delivery("warren.director", exchange, key, content, Properties(**properties), redelivered=False, tag=(1, 1))


@pytest.fixture
async def broker():
    async with MemoryServer(SystemClock()) as server, MemoryBroker(server) as broker:
        await broker.declare(build(CLUSTER))
        yield broker


async def test_an_answer_does_not_wait_for_the_results_that_came_with_the_question(broker):
    asked = delivery(names.INGRESS, "query.projects", {"noun": "projects", "reply_to": "reply.me"})
    result = delivery(
        names.RESULTS,
        names.DIRECTOR_RESULT_KEY,
        {"results": [{**RESULT, "started_s": 1.0, "ended_s": 2.0}]},
        type="warren.result.v1",
    )
    async with asyncio.timeout(10), open_ledger("sqlite://", inline=True) as ledger, asyncio.TaskGroup() as group:
        busy = BusyLedger(ledger)
        playbooks = Playbooks([], {"scouts": frozenset(["work"])}, CLUSTER.limits)
        director = Director(broker, busy, SystemClock(), CLUSTER, playbooks, os.urandom)
        async with broker.inbox([(names.REPLIES, "reply.me")]) as inbox:
            listening = group.create_task(director.listen([result, asked]))
            [reply] = await inbox.receive()
            assert json.loads(reply.body)["answer"] == {"kind": "projects", "projects": []}
            assert not listening.done()
            busy.free.set()
            assert await listening == []


async def test_a_command_does_not_wait_for_what_somebody_wanted_to_see_before_it(broker):
    shown = delivery(names.INGRESS, "query.projects", {"noun": "projects", "reply_to": "reply.me"})
    stop = delivery(names.INGRESS, "command.cancel", {"verb": "cancel", "project": PROJECT, "reply_to": "reply.me"})
    async with asyncio.timeout(10), open_ledger("sqlite://", inline=True) as ledger, asyncio.TaskGroup() as group:
        slow = LongReads(ledger)
        playbooks = Playbooks([], {"scouts": frozenset(["work"])}, CLUSTER.limits)
        director = Director(broker, slow, SystemClock(), CLUSTER, playbooks, os.urandom)
        async with broker.inbox([(names.REPLIES, "reply.me")]) as inbox:
            listening = group.create_task(director.listen([shown, stop]))
            [reply] = await inbox.receive()
            assert json.loads(reply.body)["answer"]["error"]["code"] == "unknown_project"
            slow.over.set()
            assert await listening == []
