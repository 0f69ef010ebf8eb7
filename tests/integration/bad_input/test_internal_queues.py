"""Garbage from somebody with too many rights, straight into the queues between director, leads and workers."""

import json
from uuid import uuid4

import pytest

from topology.names import DEAD, RESULTS, TASKS

TEAM_DEAD = "warren.dead.scouts"
GARBAGE = {
    "no json": b"\x80\x04K*.",
    "empty": b"",
    "null": b"null",
    "a list": b"[]",
    "another message": b'{"playbook": "echo", "input": {}}',
    "nested deep": b'{"a":' * 150_000,
    "half a surrogate": b'{"id": "\\ud800"}',
}
WAYS = {
    "task": (TASKS, "task.scouts.echo", TEAM_DEAD),
    "assignment": (TASKS, "assign.scouts", TEAM_DEAD),
    "result for the lead": (RESULTS, "result.scouts", TEAM_DEAD),
    "result for the director": (RESULTS, "result.director", "warren.dead.director"),
}
TASK = {"team": "scouts", "skill": "echo", "owner": "nobody", "priority": 4, "tasks": [{"id": "nobody/0", "input": {}}]}
ASSIGNMENT = {
    "id": "nobody/0",
    "owner": "nobody",
    "team": "scouts",
    "plan": {"kind": "call", "skill": "echo"},
    "input": {},
    "report_to": "director",
    "priority": 4,
}


def result(**changes):
    whole = {
        "id": "nobody/0",
        "owner": "nobody",
        "attempt": 1,
        "outcome": {"status": "succeeded", "output": {}},
        "started_s": 1.0,
        "ended_s": 2.0,
        **changes,
    }
    return {"results": [whole]}


ODD_RESULTS = {
    "of nobody": result(),
    "of an owner with a line break and NUL": result(owner="a\n\x00b"),
    "of an owner of a megabyte": result(owner="a" * 1_000_000),
    "of no parent": result(id="0", owner="0"),
    "of a slash": result(id="/", owner="/"),
    "of nothing": result(id="", owner=""),
    "of ten thousand steps": result(id="a" + "/0" * 10_000, owner="a"),
    "of attempt zero": result(attempt=0),
    "of an attempt no column holds": result(attempt=10**30),
    "of the end of time": result(started_s=-1e308, ended_s=1e308),
}
DEATHS = {
    "a text": "expired",
    "no tables": ["expired", 1],
    "a table of nothing": [{}],
    "odd types": [{"reason": ["expired"], "queue": 7, "count": "x", "time": None}],
    "an expiry": [{"reason": "expired", "queue": "warren.work.scouts.echo", "count": 1}],
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(("exchange", "key", "dead"), WAYS.values(), ids=WAYS)
async def test_garbage_is_dead_lettered_by_whoever_gets_it(stranger, exchange, key, dead, body):
    await stranger.send(body, exchange=exchange, key=key)
    letter = await stranger.dead(dead)
    assert letter.body == body
    assert letter.properties.headers["x-warren-error-code"] in {"not_json", "not_utf8", "message_invalid"}
    assert letter.properties.headers["x-warren-error"]
    assert letter.properties.headers["x-warren-routing-key"] == key


@pytest.mark.parametrize(("exchange", "key", "dead"), WAYS.values(), ids=WAYS)
async def test_a_message_of_twenty_megabytes_is_dead_lettered_by_whoever_gets_it(stranger, exchange, key, dead):
    if int(stranger.broker.server_version.split(".")[0]) >= 4:
        pytest.skip("brokers from 4.0 refuse it themselves")
    await stranger.send(b" " * 20_000_000, exchange=exchange, key=key)
    letter = await stranger.dead(dead)
    assert letter.properties.headers["x-warren-error-code"] == "message_too_large"
    assert len(letter.body) == 20_000_000


@pytest.mark.parametrize("kind", ["warren.task.v1", "warren.assignment.v1", "warren.result.v1", "warren.task.v9", "x"])
@pytest.mark.parametrize(("exchange", "key", "dead"), WAYS.values(), ids=WAYS)
async def test_garbage_of_any_type_is_dead_lettered_by_whoever_gets_it(stranger, raw, exchange, key, dead, kind):
    await raw(b"{}", exchange=exchange, key=key, type=kind)
    letter = await stranger.dead(dead)
    assert letter.properties.headers["x-warren-error-code"] in {"message_invalid", "wrong_type"}


@pytest.mark.parametrize(
    "headers", [{"a": bytearray(b"\xff")}, {"a": b"\xe9"}, {"a": {"b": 1}}, {"h": "x" * 130_000}], ids=str
)
@pytest.mark.parametrize(("exchange", "key", "dead"), WAYS.values(), ids=WAYS)
async def test_odd_headers_do_not_keep_garbage_from_being_dead_lettered(stranger, raw, exchange, key, dead, headers):
    await raw(b"x", exchange=exchange, key=key, headers=headers, correlation_id=b"\xff" * 255, priority=255)
    letter = await stranger.dead(dead)
    assert letter.properties.headers["x-warren-error-code"] == "not_json"


@pytest.mark.parametrize("body", ODD_RESULTS.values(), ids=ODD_RESULTS)
@pytest.mark.parametrize("key", ["result.scouts", "result.director"])
async def test_results_that_nobody_waits_for_do_no_harm(stranger, key, body):
    await stranger.send(body, exchange=RESULTS, key=key)
    await stranger.succeeds()
    for queue in ("warren.lead.scouts.results", "warren.director"):
        assert await stranger.is_empty(queue)
    await stranger.forget("warren.dead.scouts")
    await stranger.forget("warren.dead.director")


@pytest.mark.parametrize("deaths", DEATHS.values(), ids=DEATHS)
async def test_a_death_that_was_made_up_does_no_harm(stranger, raw, deaths):
    body = json.dumps(TASK).encode()
    await raw(body, exchange=DEAD, key="work.scouts.echo", type="warren.task.v1", headers={"x-death": deaths})
    assert (await stranger.dead(TEAM_DEAD)).body == body
    await stranger.succeeds()


async def test_an_assignment_of_nobody_starts_nothing(stranger):
    await stranger.send(ASSIGNMENT, exchange=TASKS, key="assign.scouts")
    await stranger.succeeds()
    await stranger.forget("warren.dead.scouts")


async def test_a_task_for_another_skill_is_dead_lettered(stranger):
    await stranger.send({**TASK, "skill": "fail"}, exchange=TASKS, key="task.scouts.echo")
    letter = await stranger.dead(TEAM_DEAD)
    assert letter.properties.headers["x-warren-error-code"] == "wrong_queue"


async def test_a_false_result_of_a_running_project_does_no_harm(stranger):
    """Ids can be guessed by whoever may write to the results: a wrong place in the tree must not take the lead down."""
    project = str(uuid4())
    for task in (project, f"{project}/", f"{project}/x", f"{project}/0/0", f"{project}/9/9/9"):
        await stranger.send(result(id=task, owner=project), exchange=RESULTS, key="result.director")
    await stranger.succeeds({"id": project, "playbook": "echo", "input": {"text": "x"}})
    for task in (project, f"{project}/", f"{project}/x", f"{project}/0", f"{project}/9/9/9"):
        await stranger.send(result(id=task, owner=project), exchange=RESULTS, key="result.director")
        await stranger.send(result(id=task, owner=f"{project}/0"), exchange=RESULTS, key="result.scouts")
    await stranger.succeeds()
    assert await stranger.is_empty("warren.dead.director")


async def test_a_poisoned_retry_ends_where_it_was_meant_to_go(stranger):
    await stranger.send(b"x", exchange="warren.retry.15", key="now.work:scouts:echo")
    letter = await stranger.dead(TEAM_DEAD)
    assert letter.body == b"x"


async def test_control_messages_that_make_no_sense_are_forgotten(stranger):
    for body in (b"", b"[]", b"\xff", b'{"verb": "explode"}', b'{"verb": "cancel", "subtree": ""}'):
        await stranger.send(body, exchange="warren.control", key="all")
    await stranger.succeeds()
