"""A cluster in one process on virtual time: clients, deadlines, lost messages, replicas."""

import asyncio
import json

import pytest

from topology import names
from warren.broker.memory import MemoryBroker
from warren.broker.port import Verdict
from warren.ledger.rebuild import rebuild
from warren.messages.outcome import ErrorInfo, Failed, Succeeded

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
SUBMISSION = {"id": PROJECT, "playbook": "tall", "input": {"items": [1, 2, 3], "more": 10}}
OUTPUT = {"sum": 12, "deep": 24, "flat": 20}
CALL = {"kind": "call", "skill": "work", "input": {"n": "item"}}
FAN = {"kind": "delegate", "team": "scouts", "plan": {"kind": "map", "items": "input.items", "do": CALL}}


@pytest.fixture(autouse=True)
async def in_time():
    async with asyncio.timeout(60):
        yield


def answers(cluster):
    return [(reply.answer.kind, getattr(reply.answer, "duplicate", None)) for reply in cluster.replies]


async def statuses(cluster):
    return {path.removeprefix(PROJECT): row.status for path, row in (await cluster.rows()).items()}


async def test_a_client_hears_that_its_project_is_accepted_and_what_it_came_to(world):
    async with world() as cluster:
        await cluster.submit(SUBMISSION, correlation_id="mine")
        await cluster.until(cluster.finished)
        assert answers(cluster) == [("accepted", False), ("finished", None)]
        assert {reply.project for reply in cluster.replies} == {PROJECT}
        assert cluster.finished()[0].outcome == Succeeded(output=OUTPUT)


async def test_a_plan_of_ones_own_needs_no_playbook(world):
    async with world() as cluster:
        await cluster.submit({"plan": FAN, "input": {"items": [1, 2]}}, key="project.plan")
        await cluster.until(cluster.finished)
        assert cluster.finished()[0].outcome.output == {"items": [{"n": 2}, {"n": 4}]}


async def test_the_same_project_again_is_answered_and_not_run_again(world):
    async with world() as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.submit(SUBMISSION)
        await cluster.until(cluster.finished)
        await cluster.submit(SUBMISSION)
        await cluster.quiet()
        assert sorted(answers(cluster), key=str) == [
            ("accepted", False),
            ("accepted", True),
            ("accepted", True),
            ("finished", None),
            ("finished", None),
        ]
        assert max((await cluster.times("tasks.planned")).values()) == 1


async def test_an_id_that_is_used_otherwise_is_a_conflict(world):
    async with world() as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.submit({**SUBMISSION, "input": {"items": [], "more": 1}})
        await cluster.until(cluster.finished)
        (conflict,) = [reply.answer.error for reply in cluster.replies if reply.answer.kind == "rejected"]
        assert (conflict.code, conflict.pointer) == ("id_conflict", "/id")
        assert cluster.finished()[0].outcome.output == OUTPUT


async def test_a_message_id_makes_a_redelivered_submission_the_same_project(world):
    async with world() as cluster:
        body = {"playbook": "tall", "input": SUBMISSION["input"]}
        for message_id in ("m1", "m1", "m2"):
            await cluster.submit(body, message_id=message_id)
        await cluster.quiet()
        assert len({reply.project for reply in cluster.replies}) == 2


DEEP = b'{"playbook":"tall","input":{"a":' + b"[" * 500 + b"]" * 500 + b"}}"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"not json", "not_json", ""),
        (b"\xff\xfe", "not_utf8", ""),
        (b'{"playbook": "tall", "input": {"x": NaN}}', "not_json", ""),
        ({"playbook": 5}, "message_invalid", "/playbook"),
        ({"playbook": "tall", "surprise": 1}, "message_invalid", "/surprise"),
        ({}, "message_invalid", ""),
        ({"playbook": "tall", "id": "no uuid"}, "message_invalid", "/id"),
        ({"playbook": "tall", "reply_to": "amq.any"}, "message_invalid", "/reply_to"),
        ({"playbook": "tall", "timeout_s": 1e300}, "message_invalid", "/timeout_s"),
        ({"playbook": "nothing"}, "unknown_playbook", "/playbook"),
        ({"playbook": "strict", "input": {"n": "x"}}, "input_invalid", "/input/n"),
        ({"playbook": "tall", "deadline": "2001-01-01T00:00:00Z"}, "deadline_past", "/deadline"),
        ({"plan": {"kind": "nothing"}}, "plan_invalid", "/plan"),
        ({"plan": {"kind": "call", "skill": "work"}}, "call_without_team", "/plan"),
        ({"plan": {**FAN, "plan": {"kind": "call", "skill": "fly"}}}, "unknown_skill", "/plan/plan"),
        ({"plan": {**FAN, "input": "results.x"}}, "unknown_reference", "/plan/input"),
        (
            {"plan": {**FAN, "input": {"x": {"kind": "delegate", "playbook": "tall"}}}},
            "unknown_reference",
            "/plan/input",
        ),
        (b'{"playbook": "tall", "input": {"x": "' + b"x" * 9_000_000 + b'"}}', "message_too_large", ""),
        (DEEP, "not_json", ""),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_input_is_told_to_its_sender_and_kept_with_the_reason(world, body, code, pointer):
    async with world(schemas={"strict": {"properties": {"n": {"type": "integer"}}}}) as cluster:
        await cluster.submit(body)
        await cluster.submit(SUBMISSION)
        await cluster.until(cluster.finished)
        error = cluster.replies[0].answer.error
        assert (error.code, error.pointer) == (code, pointer)
        ((queue, letters),) = (await cluster.dead_letters()).items()
        assert queue == names.dead_queue(names.DIRECTOR)
        (letter,) = letters
        assert letter.properties.headers["x-warren-error-code"] == code
        assert letter.body == (body if isinstance(body, bytes) else json.dumps(body).encode())
        assert cluster.finished()[0].outcome.output == OUTPUT


@pytest.mark.parametrize("timeout_s", [1e-6, 60 * 86_400.0, 100 * 365 * 86_400.0])
async def test_no_time_limit_takes_anybody_down(world, timeout_s):
    async with world() as cluster:
        await cluster.submit({**SUBMISSION, "timeout_s": timeout_s})
        await cluster.until(cluster.finished)
        assert cluster.finished()[0].outcome.status in {"succeeded", "expired"}


async def test_a_project_that_is_cancelled_ends_at_once_with_everything_below_it(world):
    async with world(plans={"tall": FAN}, silent=True) as cluster:
        await cluster.submit({**SUBMISSION, "input": {"items": [1, 2]}})
        await cluster.quiet()
        for _ in range(2):
            await cluster.command({"verb": "cancel", "project": PROJECT, "reason": "enough"})
            await cluster.quiet()
        assert answers(cluster)[1:] == [("accepted", False), ("finished", None), ("accepted", True)]
        assert (cluster.finished()[0].outcome.status, cluster.finished()[0].outcome.reason) == ("cancelled", "enough")
        assert set((await statuses(cluster)).values()) == {"cancelled"}


async def test_what_is_asked_of_an_unknown_project_is_said_to_be_unknown(world):
    async with world() as cluster:
        await cluster.command({"verb": "cancel", "project": PROJECT})
        await cluster.query({"noun": "status", "project": PROJECT})
        await cluster.query({"noun": "result", "project": PROJECT})
        await cluster.query({"noun": "status"})
        await cluster.quiet()
        assert [reply.answer.error.code for reply in cluster.replies] == [*["unknown_project"] * 3, "message_invalid"]


async def test_queries_tell_where_a_project_stands_and_what_it_came_to(world):
    async with world() as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.until(cluster.finished)
        for noun in ("status", "result", "projects"):
            await cluster.query({"noun": noun, "project": PROJECT})
        await cluster.quiet()
        status, finished, projects = [reply.answer for reply in cluster.replies[2:]]
        assert (status.kind, status.project, status.status) == ("status", PROJECT, "succeeded")
        assert (finished.kind, finished.outcome.output) == ("finished", OUTPUT)
        assert [project["id"] for project in projects.projects] == [PROJECT]


async def test_a_project_past_its_deadline_ends_although_nobody_answers(world):
    async with world(plans={"tall": FAN}, silent=True) as cluster:
        await cluster.submit({**SUBMISSION, "input": {"items": [1, 2]}, "timeout_s": 20.0})
        await cluster.pass_time(19)
        assert not cluster.finished()
        await cluster.pass_time(8)
        assert [answer.outcome.status for answer in cluster.finished()] == ["expired"]
        assert "open" not in (await statuses(cluster)).values()
        assert (await rebuild(cluster.ledger)).is_equal


@pytest.mark.parametrize("level", ["task", "assignment"])
async def test_a_part_past_its_own_deadline_ends_alone(world, level):
    call = {**CALL, "timeout_s": 3.0} if level == "task" else CALL
    slow = {**FAN, "plan": {**FAN["plan"], "do": call}} | ({"timeout_s": 3.0} if level == "assignment" else {})
    plan = {"kind": "parallel", "on_error": "continue", "branches": {"slow": slow}}
    async with world(plans={"tall": plan}, silent=True) as cluster:
        await cluster.submit({**SUBMISSION, "input": {"items": [1]}})
        await cluster.until(cluster.finished, within_s=10)
        (finished,) = cluster.finished()
        errors = finished.outcome.output["errors"]["slow"]
        assert errors["status"] == ("failed" if level == "task" else "expired")
        assert "open" not in (await statuses(cluster)).values()
        await cluster.pass_time(12)
        assert all(row.reported_at for row in (await cluster.rows()).values() if row.kind != "task")


async def test_an_assignment_that_the_broker_gave_up_is_heard_by_the_director(world):
    async with world(leads=()) as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.quiet()
        queue = names.lead_queue("scouts")
        async with MemoryBroker(cluster.server) as broker, broker.subscribe(queue, prefetch=1) as subscription:
            (assignment,) = await subscription.receive()
            await subscription.settle([(assignment, Verdict.REJECT)])
            await cluster.quiet()
            assert not cluster.finished(), "what somebody rejects, that one has reported"
        await cluster.bury(assignment, "delivery_limit")
        await cluster.until(cluster.finished, within_s=1)
        assert cluster.finished()[0].outcome.error.code == "delivery_limit"


async def test_a_message_that_vanished_is_sent_again_after_a_few_seconds(world):
    async with world(workers=False) as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.quiet()
        lost = await cluster.forget_dispatched(names.work_queue("scouts", "work"))
        assert lost == 2
        async with cluster.workers_at_work():
            await cluster.pass_time(4)
            assert not cluster.finished()
            await cluster.until(cluster.finished, within_s=3)
        assert cluster.finished()[0].outcome.output == OUTPUT


async def test_a_failure_deep_below_ends_every_level_with_its_words(world):
    def outcome_of(task):
        if task.id.endswith("/0/1/0/0/0"):
            return Failed(error=ErrorInfo(code="broken", message="deep down"))
        return Succeeded(output={"n": 2 * task.input["n"]})

    async with world(outcome_of=outcome_of) as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.until(cluster.finished)
        assert cluster.finished()[0].outcome.error.message == "deep down"
        assert {path for path, status in (await statuses(cluster)).items() if status == "failed"} == {
            "", "/0/1/0", "/0/1/0/0", "/0/1/0/0/0",
        }  # fmt: skip


async def test_replicas_of_everybody_share_the_work_and_double_nothing(world):
    async with world(replicas=3) as cluster:
        for number in range(10):
            await cluster.submit({**SUBMISSION, "id": f"{PROJECT[:-2]}{number:02}"})
        await cluster.until(lambda: len(cluster.finished()) == 10)
        assert all(answer.outcome.output == OUTPUT for answer in cluster.finished())
        assert max((await cluster.times("tasks.settled")).values()) == 1
        assert max((await cluster.times("tasks.planned")).values()) == 1
        assert (await rebuild(cluster.ledger)).is_equal


async def test_a_cut_connection_of_everybody_is_outlived(world):
    async with world() as cluster:
        await cluster.submit(SUBMISSION)
        for _ in range(40):
            await cluster.blink()
            await asyncio.sleep(0)
        await cluster.until(cluster.finished)
        assert cluster.finished()[0].outcome.output == OUTPUT
        await cluster.pass_time(12)
        assert max((await cluster.times("tasks.settled")).values()) == 1
