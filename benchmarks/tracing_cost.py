"""What tracing costs for each message and each task, sampled and not: `python -m benchmarks.tracing_cost`.

Everything that tracing adds to a task's way, measured alone, in one thread: the headers that a coordinator makes, the
context that a worker attaches, and the spans that are made of the ledger's rows afterwards. CPU time, best of many
rounds, for other work on the machine only ever adds.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable
from dataclasses import replace

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from warren.coordination.carriage import headers_below
from warren.coordination.story import news_of
from warren.ledger.timeline import Line, Timeline
from warren.telemetry.context import TraceContext, trace_id_of
from warren.telemetry.handling import Handling
from warren.telemetry.span_export import readable

ROUNDS = 15
TASKS = 200
PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
TASK = f"{LEAD}/0/7"
LIMIT_US = 2.0
SAMPLED = TraceContext(trace_id_of(PROJECT), sampled=True, exported=True).to_text()
LEFT_OUT = TraceContext("a" * 32, "b" * 16).to_text()


def microseconds(what: Callable[[], object], number: int = 20_000) -> float:
    return min(timeit.repeat(what, timer=time.thread_time, number=number, repeat=ROUNDS)) / number * 1e6


def message(trace: str | None, handling: Handling) -> float:
    """One message with one task: its headers, and its handler's context."""
    headers = headers_below(trace, TASK)

    def way() -> None:
        headers_below(trace, TASK)
        handling.leave(handling.enter(headers, TASK, 1))

    return microseconds(way)


def export() -> tuple[float, float]:
    """(making the spans of one task, encoding them), each with its wait and its attempt."""
    owner = Line(
        LEAD, PROJECT, "assignment", "scouts", "succeeded", 100.0, team="scouts", started_at=101.0, ended_at=120.0
    )
    node = replace(owner, id=f"{LEAD}/0", parent=LEAD, kind="map", name="map")
    lines = [
        Line(
            f"{LEAD}/0/{number}",
            f"{LEAD}/0",
            "task",
            "count",
            "succeeded",
            101.0,
            team="scouts",
            agent="worker-1",
            dispatched_at=101.5,
            started_at=103.0,
            ended_at=105.0,
        )
        for number in range(TASKS)
    ]
    timeline = Timeline(owner, SAMPLED, [node, *lines])
    spans = [readable(span) for span in news_of(timeline, 200.0)]
    made = microseconds(lambda: [readable(span) for span in news_of(timeline, 200.0)], 3) / TASKS
    encoded = microseconds(lambda: encode_spans(spans).SerializeToString(), 3) / TASKS
    return made, encoded


def main() -> int:
    quiet, exporting = Handling(), Handling(marks_unsampled=True)
    unsampled = {
        "not sampled, no collector": message(None, quiet),
        "not sampled, worker exports": message(None, exporting),
        "not sampled by its publisher": message(LEFT_OUT, exporting),
    }
    for name, cost in unsampled.items():
        print(f"{name:<40} {cost:6.2f} µs per message")
    print(f"{'sampled':<40} {message(SAMPLED, Handling(marks_unsampled=True)):6.2f} µs per message")
    made, encoded = export()
    print(f"{'sampled, spans made of the ledger':<40} {made:6.2f} µs per task (3 spans)")
    print(f"{'sampled, spans encoded for OTLP':<40} {encoded:6.2f} µs per task (3 spans)")
    worst = max(unsampled.values())
    print(f"\nunsampled work: {worst:.2f} µs per message at most; the limit is {LIMIT_US} µs")
    return int(worst > LIMIT_US)


if __name__ == "__main__":
    sys.exit(main())
