"""Every message about a project carries its trace, so that whoever reads it can go on below the right span."""

import json
from dataclasses import replace

from warren.coordination.announcements import project_event
from warren.coordination.carriage import headers_back
from warren.coordination.dispatch import report
from warren.coordination.effects import Ended
from warren.ledger.transaction import Owner
from warren.messages.outcome import Succeeded
from warren.telemetry.context import TraceContext, trace_id_of

P = "0197f0a0-0000-7000-8000-000000000001"
TRACE = TraceContext(trace_id_of(P), sampled=True, state="a=b", baggage="user=alice")
PROJECT = Owner(
    id=P,
    kind="project",
    team=None,
    status="open",
    attempt=1,
    priority=4,
    deadline_at=None,
    created_at=1.0,
    started_at=None,
    reported_at=None,
    owner=None,
    report_to="director",
    reply_to="reply.me",
    correlation_id="c",
    playbook="survey",
    fingerprint=None,
    trace=TRACE.to_text(),
)
PARENT = f"00-{TRACE.trace_id}-{TRACE.span_id(P)}-01"


def sent(owner):
    """Headers by exchange."""
    parcels = report(Ended(owner, Succeeded(output={}), 2.0))
    return {parcel.message.exchange: dict(parcel.message.properties.headers) for parcel in parcels}


def test_a_reply_carries_all_that_the_publisher_brought_and_an_event_for_everybody_not_its_baggage():
    assert sent(PROJECT) == {
        "warren.replies": {"traceparent": PARENT, "tracestate": "a=b", "baggage": "user=alice"},
        "warren.events": {"traceparent": PARENT, "tracestate": "a=b"},
    }


def test_an_event_has_the_same_trace_in_its_headers_and_in_its_body():
    message = project_event(PROJECT, "accepted", 1.0).message
    body = json.loads(message.body)
    assert {name: body[name] for name in ("traceparent", "tracestate")} == message.properties.headers


def test_an_assignments_outcome_is_told_below_its_own_span():
    assignment = replace(PROJECT, id=f"{P}/0", kind="assignment", team="scouts", owner=P)
    assert sent(assignment)["warren.results"]["traceparent"] == f"00-{TRACE.trace_id}-{TRACE.span_id(f'{P}/0')}-01"


def test_a_project_without_a_trace_is_told_of_without_headers():
    assert sent(replace(PROJECT, trace=None)) == {"warren.replies": {}, "warren.events": {}}


def test_a_refusal_carries_back_the_context_that_it_came_with_and_nothing_else():
    headers = {"traceparent": PARENT, "baggage": "user=alice", "tracestate": 17, "x-other": "1"}
    assert headers_back(headers) == {"traceparent": PARENT, "baggage": "user=alice"}
    assert headers_back({"baggage": "user=alice"}) == {}
