"""From rows of the ledger to spans, whatever the clocks of workers said."""

from dataclasses import replace

import pytest

from warren.coordination.story import spans_of
from warren.ledger.timeline import Line, Timeline
from warren.telemetry.context import TraceContext, attempt_id, trace_id_of

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
TASK = f"{LEAD}/0"
OWNER = Line(LEAD, PROJECT, "assignment", "scouts", "succeeded", 100.0, team="scouts", started_at=101.0, ended_at=120.0)
DONE = Line(
    TASK, LEAD, "task", "count", "succeeded", 101.0, team="scouts", agent="w-1", started_at=103.0, ended_at=105.0
)
FAILED_TRY = {"attempt": 1, "agent": "w-1", "started_s": 102.0, "ended_s": 103.0, "code": "handler_error"}
CONTEXT = TraceContext(trace_id_of(PROJECT))


def told(*lines, owner=OWNER, trace=None, now=200.0):
    return spans_of(Timeline(owner, trace, list(lines)), now)


def periods(spans, prefix):
    return [(span.start_s, span.end_s) for span in spans if span.name.startswith(prefix)]


def whole(spans):
    """Everything lies within what it is below, and no id is there twice."""
    known = {span.span_id: span for span in spans}
    assert len(known) == len(spans)
    for span in spans:
        above = known.get(span.parent_id, span)
        assert above.start_s <= span.start_s <= span.end_s <= above.end_s
    return spans


def test_a_task_is_a_wait_and_then_an_attempt_of_the_worker_that_ran_it():
    owner, wait_lead, task, wait, attempt = whole(told(DONE))
    assert (owner.name, task.name, attempt.name) == ("assignment scouts", "task count", "invoke_agent count")
    assert (wait_lead.start_s, wait_lead.end_s) == (100.0, 101.0)
    assert (wait.start_s, wait.end_s, attempt.start_s, attempt.end_s) == (101.0, 103.0, 103.0, 105.0)
    assert (attempt.service.role, attempt.service.instance) == ("worker", "w-1")
    assert attempt.span_id == attempt_id(CONTEXT, TASK, 1)
    assert {span.trace_id for span in (owner, task, attempt)} == {CONTEXT.trace_id}


def test_the_parent_of_an_assignment_is_computed_from_its_id_alone():
    [owner, *_] = told()
    assert owner.parent_id == CONTEXT.span_id(PROJECT)


def test_a_project_is_below_its_publishers_span_and_in_its_trace():
    project = Line(PROJECT, None, "project", "survey", "succeeded", 100.0, ended_at=120.0)
    incoming = TraceContext("a" * 32, "b" * 16, sampled=True)
    [root] = told(owner=project, trace=incoming.to_text())
    assert (root.trace_id, root.parent_id, root.name) == ("a" * 32, "b" * 16, "invoke_workflow survey")
    [alone] = told(owner=project)
    assert (alone.trace_id, alone.parent_id) == (CONTEXT.trace_id, "")


def test_tries_and_climbs_follow_each_other_and_each_try_links_to_the_one_before():
    line = replace(DONE, attempt=2, started_at=104.5, history=[{**FAILED_TRY, "delay_s": 1.0}])
    spans = whole(told(line))
    assert periods(spans, "wait warren.work") == [(101.0, 102.0), (104.0, 104.5)]
    assert periods(spans, "wait retry ladder") == [(103.0, 104.0)]
    first, second = (span for span in spans if span.name == "invoke_agent count")
    assert (first.links, second.links) == ([], [first.span_id])


def test_a_worker_whose_clock_is_ahead_or_behind_is_put_right_and_it_is_said_by_how_much():
    for skew_s in (-50.0, 50.0):
        line = replace(DONE, started_at=DONE.started_at + skew_s, ended_at=DONE.ended_at)
        spans = whole(told(line))
        [attempt] = [span for span in spans if span.name == "invoke_agent count"]
        assert attempt.attributes["warren.clock_skew_s"] == pytest.approx(attempt.start_s - line.started_at)


def test_an_attempt_that_began_before_its_delay_was_over_by_another_clock_cuts_the_climb_short():
    line = replace(DONE, attempt=2, started_at=103.5, history=[{**FAILED_TRY, "delay_s": 60.0}])
    spans = whole(told(line))
    assert periods(spans, "wait retry ladder") == [(103.0, 103.5)]


def test_what_no_worker_began_only_waited():
    line = replace(
        DONE, status="expired", agent="sweeper", started_at=105.0, error={"code": "expired", "message": "late"}
    )
    spans = whole(told(line))
    assert [span.name for span in spans[2:]] == ["task count", "wait warren.work.scouts.count"]
    assert (spans[2].error, spans[2].attributes["error.type"]) == ("late", "expired")


def test_what_is_still_going_on_ends_now_and_says_so():
    owner = replace(OWNER, status="open", ended_at=None)
    spans = whole(told(replace(DONE, status="open", ended_at=None, started_at=None, agent=None), owner=owner))
    assert [span.end_s for span in spans if span.attributes.get("warren.open")] == [200.0, 200.0]


def test_cancelled_is_no_error_but_its_reason_is_there():
    line = replace(DONE, status="cancelled", error={"code": "stopped", "message": "no longer wanted"})
    task = next(span for span in told(line) if span.name == "task count")
    assert (task.error, task.attributes["warren.outcome"]) == (None, "cancelled")
    assert task.attributes["warren.reason"] == "no longer wanted"


def test_a_redelivered_attempt_says_so():
    line = replace(DONE, history=[{"attempt": 1, "code": "redelivered"}])
    [attempt] = [span for span in told(line) if span.name == "invoke_agent count"]
    assert [event.name for event in attempt.events] == ["warren.redelivered"]


def test_a_node_names_the_children_that_were_lost_and_counts_those_without_spans():
    node = Line(TASK, LEAD, "map", "map", "succeeded", 101.0, ended_at=110.0, total=900, shown=500, failed=1)
    bad = replace(DONE, id=f"{TASK}/7", parent=TASK, status="failed", error={"code": "x", "message": "broke"})
    span = next(one for one in told(node, bad) if one.name == "map")
    assert [event.name for event in span.events] == ["warren.branch.lost"]
    assert span.events[0].attributes["warren.task.id"] == bad.id
    assert span.attributes["warren.children.left_out"] == 400


def test_a_vote_says_on_its_span_what_won_and_by_how_many():
    node = Line(
        TASK, LEAD, "map", "map", "succeeded", 101.0, ended_at=110.0, vote={"value": "y" * 300, "votes": 2, "of": 3}
    )
    about = next(one for one in told(node) if one.name == "map").attributes
    assert (about["warren.vote.votes"], about["warren.vote.of"], len(about["warren.vote.value"])) == (2, 3, 200)


def test_a_lost_branch_is_called_by_its_name():
    node = Line(TASK, LEAD, "parallel", "parallel", "failed", 101.0, ended_at=110.0)
    bad = replace(
        DONE, id=f"{TASK}/1", parent=TASK, status="failed", step="lint", error={"code": "x", "message": "broke"}
    )
    spans = told(node, bad)
    [event] = next(one for one in spans if one.name == "parallel").events
    assert event.attributes["warren.step"] == "lint"
    assert next(one for one in spans if one.name == "task count").attributes["warren.step"] == "lint"


def test_the_time_between_giving_up_and_replaying_is_neither_spent_in_a_queue_nor_on_the_ladder():
    line = replace(DONE, attempt=2, dispatched_at=104.0, started_at=104.5, history=[FAILED_TRY])
    spans = whole(told(line))
    assert periods(spans, "wait replay") == [(103.0, 104.0)]
    assert periods(spans, "wait warren.work") == [(101.0, 102.0), (104.0, 104.5)]
    assert periods(spans, "wait retry ladder") == []
