"""What the tests of traces rely on: that a bad trace is not passed."""

from dataclasses import replace

import pytest

from warren.testing.received_trace import ReceivedSpan, Trace

ROOT = ReceivedSpan("t", "1", "", "root", "consumer", "s", "i", 0, 100, {}, [], [], None)
CHILD = replace(ROOT, span_id="2", parent_id="1", name="child", start_ns=10, end_ns=90)


def test_a_tree_that_is_whole_passes_and_shows_its_outline():
    trace = Trace([CHILD, replace(CHILD, span_id="3", name="earlier", start_ns=5), ROOT])
    trace.check()
    assert trace.outline() == ["root", "  earlier", "  child"]


@pytest.mark.parametrize(
    ("spans", "complaint"),
    [
        ([ROOT, CHILD, CHILD], "came twice"),
        ([ROOT, replace(CHILD, parent_id="9")], "orphan"),
        ([CHILD], "orphan"),
        ([], "0 roots"),
        ([ROOT, replace(ROOT, span_id="2")], "2 roots"),
        ([ROOT, replace(CHILD, start_ns=95)], "before it starts"),
        ([ROOT, replace(CHILD, start_ns=-1)], "before its parent"),
        ([ROOT, replace(CHILD, end_ns=101)], "after its parent"),
    ],
)
def test_what_is_wrong_with_a_trace_is_said(spans, complaint):
    with pytest.raises(AssertionError, match=complaint):
        Trace(spans).check()


def test_a_trace_below_a_foreign_span_is_whole_too():
    Trace([replace(ROOT, parent_id="f"), CHILD]).check(parent="f")


def test_what_a_producer_started_may_end_after_it():
    Trace([replace(ROOT, kind="producer", end_ns=5), replace(CHILD, start_ns=10)]).check()
