import io
import json
import re

import pytest
from rich.console import Console

from warren.cli import timeline, waterfall
from warren.telemetry.span import Kind, Service, Span, SpanEvent

PROJECT = "0197f0a0-0000-7000-8000-000000000001"


def span(span_id, parent, name, start_s, end_s, **fields):
    about = {"warren.project.id": PROJECT, "warren.task.id": f"{PROJECT}/{span_id}", **fields.pop("about", {})}
    return Span("t", span_id, parent, name, Kind.INTERNAL, Service("teamlead"), start_s, end_s, about, **fields)


@pytest.fixture
def spans():
    return [
        span("1", "", "invoke_workflow survey", 0.0, 10.0, about={"warren.outcome": "failed"}, error="broke"),
        span("2", "1", "wait warren.lead.scouts", 0.0, 5.0),
        span("3", "1", "task count", 5.0, 10.0, about={"warren.attempts": 1}),
        span("4", "3", "invoke_agent count", 7.5, 10.0, about={"warren.attempt": 1}, error="broke </script>"),
    ]


def text(spans, width=100, most=20):
    console = Console(file=io.StringIO(), width=width, soft_wrap=True)
    console.print(timeline.draw(spans, width, most))
    return console.file.getvalue()


def test_bars_begin_and_end_where_their_spans_do(spans):
    lines = text(spans, width=80).splitlines()
    width = max(line.count("█") for line in lines)
    assert f"{PROJECT} failed in 10.0 s, 4 spans" in lines[0]
    bars = [line.count("█") for line in lines[1:5]]
    assert bars == pytest.approx([width, width / 2, width / 2, width / 4], abs=1)
    begins = [line.index("█") - lines[1].index("█") for line in lines[1:5]]
    assert begins == pytest.approx([0, 0, width / 2, width * 3 / 4], abs=1)


def test_the_tree_is_drawn_with_its_branches_and_the_error_once_below(spans):
    lines = text(spans).splitlines()
    assert [line.split("  ")[0].rstrip() for line in lines[1:4]] == [
        "invoke_workflow survey",
        "├ wait warren.lead.scouts",
        "└ task count",
    ]
    assert lines[-1] == f"✗ {PROJECT}/4, attempt 1: broke </script>"


def test_a_task_that_was_done_at_the_first_try_has_one_line_that_shows_how_long_it_waited():
    done = {"warren.attempts": 1, "warren.outcome": "succeeded"}
    spans = [
        span("1", "", "invoke_workflow survey", 0.0, 10.0),
        span("2", "1", "task count", 0.0, 10.0, about={**done, "warren.step": "first"}),
        span("3", "2", "wait warren.work.scouts.count", 0.0, 5.0),
        span("4", "2", "invoke_agent count", 5.0, 10.0, about={"warren.attempt": 1}),
    ]
    lines = text(spans, width=80).splitlines()
    assert len(lines) == 3
    assert "└ first · task count" in lines[2]
    assert lines[2].count("░") == pytest.approx(lines[2].count("█"), abs=1)
    assert lines[1].rstrip().rindex("█") == lines[2].rstrip().rindex("█")


def test_a_task_of_several_tries_shows_each_of_them():
    spans = [
        span("1", "", "task count", 0.0, 10.0, about={"warren.attempts": 2, "warren.outcome": "succeeded"}),
        span("2", "1", "invoke_agent count", 0.0, 4.0, about={"warren.attempt": 1}, error="no"),
        span("3", "1", "invoke_agent count", 6.0, 10.0, about={"warren.attempt": 2}),
    ]
    assert text(spans).count("invoke_agent") == 2


def test_of_many_children_those_that_went_wrong_are_shown_first(spans):
    many = [span(f"m{number}", "1", "task quick", 1.0, 2.0) for number in range(50)]
    many.append(span("bad", "1", "task bad", 1.0, 1.5, error="bad"))
    lines = text([spans[0], *many], most=3)
    assert "task bad" in lines
    assert lines.count("task quick") == 2
    assert "… 48 more" in lines


def test_children_without_spans_are_counted(spans):
    spans[0].attributes["warren.children.left_out"] = 1234
    assert "… 1,234 more" in text(spans)


def test_no_line_is_wider_than_the_terminal(spans):
    spans[1].name = "wait " + "x" * 200
    assert max(map(len, text(spans, width=90).splitlines()[1:])) <= 90


def test_the_page_holds_its_data_and_nothing_in_the_data_can_end_the_script(spans):
    spans[3].events.append(SpanEvent("exception", 10.0, {"exception.message": "</script><script>alert(1)"}))
    page = waterfall.page(spans)
    assert page.count("</script>") == 1
    found = json.loads(re.search(r"const given = (.*);\n", page).group(1))
    assert [one["name"] for one in found["spans"]] == [one.name for one in spans]
    assert found["spans"][3]["error"] == "broke </script>"
    assert (found["spans"][3]["start"], found["spans"][3]["end"]) == (7500.0, 10000.0)


def test_the_page_asks_nobody_for_anything(spans):
    page = waterfall.page(spans)
    assert not re.search(r"(?:src|href)\s*=|https?://|@import|fetch\(", page)
