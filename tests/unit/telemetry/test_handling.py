import pytest
from opentelemetry import baggage, trace

from warren.telemetry.context import TraceContext, attempt_id, trace_id_of
from warren.telemetry.handling import REMEMBERED, Handling, current_headers

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
TASK = f"{PROJECT}/0/3"
PARENT = "b7ad6b7169203331"
SAMPLED = TraceContext(trace_id_of(PROJECT), sampled=True, state="a=b", baggage="user=alice")


@pytest.fixture
def seen():
    """What a handler sees."""

    def look(handling, headers, task=TASK, attempt=1):
        token = handling.enter(headers, task, attempt)
        try:
            return trace.get_current_span().get_span_context(), current_headers(), baggage.get_baggage("user")
        finally:
            handling.leave(token)
            assert not trace.get_current_span().get_span_context().is_valid

    return look


def test_a_handler_is_below_its_attempt_and_passes_everything_on(seen):
    context, headers, user = seen(Handling(), SAMPLED.headers(PARENT), attempt=2)
    assert trace.format_span_id(context.span_id) == attempt_id(SAMPLED, TASK, 2)
    assert (trace.format_trace_id(context.trace_id), context.trace_flags.sampled, user) == (
        SAMPLED.trace_id,
        True,
        "alice",
    )
    assert headers == SAMPLED.headers(attempt_id(SAMPLED, TASK, 2))


def test_each_attempt_of_each_task_has_a_context_of_its_own(seen):
    handling, headers = Handling(), SAMPLED.headers(PARENT)
    ids = {seen(handling, headers, task, attempt)[0].span_id for task in (TASK, f"{TASK}/1") for attempt in (1, 2)}
    assert len(ids) == 4


@pytest.mark.parametrize("marks", [True, False])
def test_what_the_publisher_left_out_stays_out_below_its_own_span(seen, marks):
    left_out = TraceContext("a" * 32, PARENT)
    context, headers, _ = seen(Handling(marks_unsampled=marks), left_out.headers(PARENT))
    assert (context.trace_flags.sampled, trace.format_span_id(context.span_id)) == (False, PARENT)
    assert headers == left_out.headers(PARENT)


def test_a_process_that_exports_tells_handlers_of_untraced_projects_not_to(seen):
    context, _, _ = seen(Handling(marks_unsampled=True), {})
    assert (trace.format_trace_id(context.trace_id), context.trace_flags.sampled) == (trace_id_of(PROJECT), False)


def test_where_nobody_traces_nothing_is_attached(seen):
    handling = Handling()
    assert handling.enter({}, TASK, 1) is None
    assert handling.enter({"traceparent": "garbage"}, TASK, 1) is None
    assert seen(handling, {})[1:] == ({}, None)


def test_two_unsampled_projects_of_one_publisher_keep_their_own_baggage(seen):
    handling, other = Handling(), PROJECT.replace("0001", "0002")
    for project, user in ((PROJECT, "alice"), (other, "bob"), (PROJECT, "alice")):
        headers = TraceContext("a" * 32, PARENT, baggage=f"user={user}").headers(PARENT)
        assert seen(handling, headers, f"{project}/0")[2] == user


def test_the_contexts_of_old_projects_are_forgotten(seen):
    handling = Handling(marks_unsampled=True)
    for number in range(REMEMBERED + 50):
        seen(handling, {}, f"0197f0a0-0000-7000-8000-{number:012x}/0")
    assert len(handling._unsampled) == REMEMBERED
