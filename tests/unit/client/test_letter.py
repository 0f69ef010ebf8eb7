"""Dead letters as they are read, whoever wrote them."""

import json
from datetime import UTC, datetime

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.dead_letter import MAX_TRACEBACK_CHARS, Cause, stamped
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Delivery, Outgoing, Properties
from warren.client.dead_letters import dead_letters
from warren.client.letter import read_letter
from warren.clock import SystemClock
from warren.errors import InvalidInput
from warren.messages.assignment import Assignment
from warren.messages.codec import encode
from warren.messages.task import Task, TaskMessage

CLUSTER = parse_cluster("{version: 1, teams: {t: {skills: {s: {}}}}}", "cluster.yaml")
PROJECT = "0197f0a0-0000-7000-8000-000000000001"
DIED = datetime(2030, 1, 31, 8, tzinfo=UTC)


def tasks(*attempts):
    each = [Task(id=f"{PROJECT}/0/{n}", attempt=attempt, input={"n": n}) for n, attempt in enumerate(attempts)]
    return encode(TaskMessage(team="t", skill="s", owner=f"{PROJECT}/0", priority=4, tasks=each))


def delivery(body, kind=TaskMessage.TYPE, **headers):
    properties = Properties(type=kind, timestamp_s=1_000, headers=headers)
    return Delivery("warren.work.t.s", names.TASKS, "task.t.s", body, properties, redelivered=False, tag=(1, 1))


def letter_of(original, cause):
    headers = stamped(original, cause)
    return delivery(original.body, original.properties.type, **headers)


def test_what_a_worker_gave_up_is_read_as_it_was_written():
    cause = Cause(
        "handler_error",
        "it broke",
        pointer="/n",
        type="ValueError",
        traceback="Traceback …",
        agent="w1",
        started_s=5.25,
        given_up_s=6.5,
    )
    letter = read_letter(letter_of(delivery(tasks(3)), cause), "t", 7)
    assert (letter.number, letter.owner, letter.kind, letter.team, letter.skill) == (7, "t", "task", "t", "s")
    assert (letter.code, letter.message, letter.pointer, letter.type) == (
        "handler_error",
        "it broke",
        "/n",
        "ValueError",
    )
    assert (letter.traceback, letter.agent) == ("Traceback …", "w1")
    assert (letter.sent_s, letter.started_s, letter.given_up_s, letter.attempts) == (1_000, 5.25, 6.5, 3)
    assert (letter.exchange, letter.routing_key) == ("warren.tasks", "task.t.s")
    assert [(task.id, task.attempt) for task in letter.tasks] == [(f"{PROJECT}/0/0", 3)]
    assert letter.projects == {PROJECT}
    assert letter.content()["tasks"][0]["input"] == {"n": 0}


def test_a_long_traceback_keeps_its_end_and_every_text_can_be_sent():
    headers = stamped(delivery(b""), Cause("c", "\ud800" * 5_000, traceback="x" * 9_000 + "the cause"))
    assert len(headers["x-warren-traceback"]) == MAX_TRACEBACK_CHARS
    assert headers["x-warren-traceback"].endswith("the cause")
    assert {type(value.encode()) for value in headers.values() if isinstance(value, str)} == {bytes}


def test_what_the_broker_gave_up_names_its_reason():
    death = {"reason": "expired", "time": DIED, "exchange": "warren.tasks", "routing-keys": ["task.t.s"]}
    letter = read_letter(delivery(tasks(1, 2), **{"x-death": [death]}), "t", 1)
    assert (letter.code, letter.agent, letter.given_up_s) == ("expired", "broker", DIED.timestamp())
    assert ("deadline" in letter.message, letter.routing_key) == (True, "task.t.s")
    assert [task.attempt for task in letter.tasks] == [1, 2]
    assert letter.attempts == 2


def test_an_assignment_is_read_too():
    assignment = Assignment(
        id=f"{PROJECT}/0", owner=PROJECT, team="t", plan={}, input={}, report_to="director", priority=4
    )
    letter = read_letter(delivery(encode(assignment), Assignment.TYPE), "t", 1)
    assert (letter.kind, letter.team, [task.id for task in letter.tasks]) == ("assignment", "t", [f"{PROJECT}/0"])


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{}", b'{"tasks": 1}', tasks(1)[:-1]])
@pytest.mark.parametrize("kind", [TaskMessage.TYPE, Assignment.TYPE, None, "something.else"])
def test_there_is_nothing_that_cannot_be_read(body, kind):
    for headers in ({}, {"x-death": "?"}, {"x-death": [{}]}, {"x-warren-error-code": 7, "x-warren-started-ms": "x"}):
        letter = read_letter(delivery(body, kind, **headers), "t", 1)
        assert (letter.kind, letter.tasks) == ("other", ())
        letter.content()


@pytest.fixture
async def broker():
    async with MemoryServer(SystemClock()) as server, MemoryBroker(server) as broker:
        await broker.declare(build(CLUSTER))
        yield broker


async def park(broker, number, queue="work.t.s"):
    headers = stamped(delivery(b""), Cause(f"code_{number}", "broken"))
    properties = Properties(type=TaskMessage.TYPE, headers=headers)
    await broker.publish([Outgoing(names.DEAD, queue, tasks(number), properties)])


async def test_looking_takes_nothing_away(broker):
    for number in range(1, 6):
        await park(broker, number)
    for _ in range(2):
        async with dead_letters(broker, "t") as letters:
            assert letters.in_queue == 5
            assert [letter.code async for letter in letters.read()] == [f"code_{n}" for n in range(1, 6)]


async def test_only_what_is_removed_is_gone(broker):
    for number in range(1, 6):
        await park(broker, number)
    async with dead_letters(broker, "t") as letters:
        await letters.remove([letter async for letter in letters.read() if letter.number % 2])
    async with dead_letters(broker, "t") as letters:
        assert [letter.code async for letter in letters.read()] == ["code_2", "code_4"]


async def test_no_more_than_the_limit_is_held(broker):
    for number in range(1, 6):
        await park(broker, number)
    async with dead_letters(broker, "t", limit=2) as letters:
        assert [letter.number async for letter in letters.read()] == [1, 2]
        assert ((await broker.depth("warren.dead.t")).messages, letters.in_queue) == (3, 5)


async def test_what_others_have_taken_meanwhile_is_not_waited_for(broker):
    await park(broker, 1)
    await park(broker, 2)
    async with broker.subscribe("warren.dead.t", prefetch=1) as other:
        await other.receive()
        async with dead_letters(broker, "t") as letters:
            letters.in_queue = 2
            assert [letter.code async for letter in letters.read()] == ["code_2"]


async def test_a_refused_project_is_handed_in_again_with_another_input(broker):
    body = json.dumps({"playbook": "survey", "input": {}}).encode()
    original = Delivery(
        "warren.projects",
        names.INGRESS,
        "project.survey",
        body,
        Properties(reply_to="reply.me"),
        redelivered=False,
        tag=(1, 1),
    )
    headers = stamped(original, Cause("input_invalid", "path is missing"))
    about = Properties(reply_to="reply.me", headers=headers)
    for _ in range(2):
        await broker.publish([Outgoing(names.DEAD, "projects", body, about)])
    async with dead_letters(broker, "director") as letters:
        for letter in [letter async for letter in letters.read()]:
            assert letter.kind == "project"
            await letters.submit_again(letter, {"path": "src"})
    async with broker.subscribe("warren.projects", prefetch=9) as projects:
        first, second = await projects.receive()
    assert json.loads(first.body) == {"playbook": "survey", "input": {"path": "src"}}
    assert first.properties.message_id == second.properties.message_id
    assert (first.properties.reply_to, first.properties.headers) == ("reply.me", {})
    assert (await broker.depth("warren.dead.director")).messages == 0


async def test_what_is_no_project_cannot_be_handed_in(broker):
    await park(broker, 1)
    async with dead_letters(broker, "t") as letters:
        [letter] = [letter async for letter in letters.read()]
        with pytest.raises(InvalidInput, match="can be dropped"):
            await letters.submit_again(letter)
