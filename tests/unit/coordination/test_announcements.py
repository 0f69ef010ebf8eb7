"""What is told on warren.events about assignments and tasks, and to whom it belongs."""

import json
import re

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from topology.events import Events
from topology.permissions import users
from warren.broker.memory.topic import matches
from warren.coordination.announcements import announcements, told_of
from warren.telemetry.context import TraceContext, trace_id_of

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
CALL = {"kind": "call", "skill": "work", "input": {"n": "input.n"}}
EVERYTHING = Events(assignments=True, tasks=True)


def told(effects, wanted=EVERYTHING):
    parcels = [*(parcel for ended in effects.ended for parcel in told_of(ended, wanted))]
    parcels += announcements(effects, wanted, 1_000.0)
    return {parcel.message.routing_key: json.loads(parcel.message.body) for parcel in parcels}


async def test_an_assignment_tells_that_it_began_and_how_it_ended(office, result_of):
    begun = told(await office.begin(CALL, n=1))
    assert list(begun) == ["assignment.started.scouts"]
    event = begun["assignment.started.scouts"]
    assert (event["type"], event["subject"], event["source"]) == (
        "warren.assignment.started",
        LEAD,
        "/warren/teams/scouts",
    )
    assert event["data"] == {"project": PROJECT, "assignment": LEAD, "team": "scouts", "status": "started"}
    ended = told(await office.settle(result_of("/0", n=1)))
    assert list(ended) == ["assignment.succeeded.scouts", "task.succeeded.scouts.work"]


async def test_a_task_tells_who_ran_it_and_when(office, result_of, broken):
    await office.begin(CALL, n=1)
    event = told(await office.settle(result_of("/0", broken())))["task.failed.scouts.work"]
    assert event["data"] == {
        "project": PROJECT,
        "task": f"{LEAD}/0",
        "team": "scouts",
        "skill": "work",
        "status": "failed",
        "attempt": 1,
        "agent": "w1",
        "started_s": 999.0,
        "ended_s": 1_000.0,
    }
    assert event["id"] == f"{LEAD}/0:failed:0"


async def test_an_assignment_that_ended_without_its_lead_is_told_by_whoever_gave_it(office, result_of, broken):
    await office.begin(CALL, n=1)
    effects = await office.settle(result_of(LEAD, broken("nobody took it"), owner=PROJECT))
    assert list(told(effects)) == ["assignment.failed.scouts"]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (Events(), ["assignment.succeeded.scouts"]),
        (Events(assignments=False), []),
        (Events(assignments=False, tasks=True), ["task.succeeded.scouts.work"]),
    ],
)
async def test_only_what_the_cluster_asks_for_is_told(office, result_of, wanted, keys):
    assert len(told(await office.begin(CALL, n=1), wanted)) == wanted.assignments
    assert list(told(await office.settle(result_of("/0", n=1)), wanted)) == keys


async def test_a_result_that_comes_twice_is_told_once(office, result_of):
    await office.begin(CALL, n=1)
    await office.settle(result_of("/0", n=1))
    assert told(await office.settle(result_of("/0", n=1), redelivered=True)).keys() == {"assignment.succeeded.scouts"}


async def test_events_carry_the_trace_of_their_project(office, result_of):
    trace = TraceContext(trace_id_of(PROJECT), sampled=True, state="a=b")
    await office.begin(CALL, trace=trace.to_text(), n=1)
    effects = await office.settle(result_of("/0", n=1))
    for key, subject in {"assignment.succeeded.scouts": LEAD, "task.succeeded.scouts.work": f"{LEAD}/0"}.items():
        assert told(effects)[key]["traceparent"] == f"00-{trace.trace_id}-{trace.span_id(subject)}-01"


async def test_the_history_keeps_every_event_and_each_has_somebody_who_may_send_it(office, result_of, broken):
    cluster = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "-")
    first = told(await office.begin(CALL, n=1))
    keys = {*first, *told(await office.settle(result_of("/0", broken())))}
    (binding,) = [each for each in build(cluster).bindings if each.destination == names.HISTORY_STREAM]
    lead = next(user for user in users(cluster) if user.name == "warren-lead-scouts")
    (right,) = [topic for topic in lead.topics if topic.exchange == names.EVENTS]
    for key in keys:
        assert matches(binding.routing_key, key)
        assert re.search(right.write, key)
