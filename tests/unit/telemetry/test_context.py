import pytest

from warren.telemetry.context import MAX_BAGGAGE_CHARS, TraceContext, attempt_id, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def test_a_publishers_context_is_read_from_its_headers():
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "congo=t61", "baggage": "user=alice"}
    assert TraceContext.from_headers(headers) == TraceContext(
        TRACE, SPAN, sampled=True, state="congo=t61", baggage="user=alice"
    )


def test_headers_that_came_as_bytes_are_read_too():
    assert TraceContext.from_headers({"traceparent": f"00-{TRACE}-{SPAN}-00".encode()}) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "garbage",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        17,
        None,
        b"\xff\xfe",
    ],
)
def test_a_context_that_makes_no_sense_is_no_context(parent):
    assert TraceContext.from_headers({"traceparent": parent}) is None


def test_a_later_version_may_say_more():
    found = TraceContext.from_headers({"traceparent": f"01-{TRACE}-{SPAN}-03-more"})
    assert found == TraceContext(TRACE, SPAN, sampled=True)


def test_baggage_that_is_too_long_is_dropped_whole_and_the_trace_goes_on():
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "a" * (MAX_BAGGAGE_CHARS + 1)}
    assert TraceContext.from_headers(headers) == TraceContext(TRACE, SPAN, sampled=True)


def test_what_the_ledger_keeps_is_what_it_gives_back():
    context = TraceContext(TRACE, SPAN, sampled=True, state="congo=t61", baggage="user=alice")
    assert TraceContext.from_text(context.to_text()) == context


def test_what_goes_out_comes_in_as_it_was():
    context = TraceContext(TRACE, sampled=True, state="congo=t61", baggage="user=alice")
    below = TraceContext.from_headers(context.headers(SPAN))
    assert below == TraceContext(TRACE, SPAN, sampled=True, state="congo=t61", baggage="user=alice")


def test_the_same_place_in_the_same_trace_has_the_same_span():
    one, same = TraceContext(TRACE), TraceContext(TRACE, SPAN, sampled=True, state="x=y")
    assert one.span_id("p/0/1") == same.span_id("p/0/1")


def test_other_places_other_attempts_and_other_traces_have_other_spans():
    context = TraceContext(TRACE)
    ids = {
        context.span_id("p/0/1"),
        context.span_id("p/0/11"),
        context.span_id("p/0/1", "wait", 1),
        attempt_id(context, "p/0/1", 1),
        attempt_id(context, "p/0/1", 2),
        attempt_id(context, "p/0/11", 2),
        TraceContext(TRACE[::-1]).span_id("p/0/1"),
    }
    assert len(ids) == 7
    assert all(len(one) == 16 and int(one, 16) for one in ids)


def test_a_project_is_found_by_its_id_without_hyphens():
    assert trace_id_of("01943c5e-7b1a-7000-8000-0123456789ab") == "01943c5e7b1a700080000123456789ab"
