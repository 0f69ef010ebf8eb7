"""A Grafana dashboard over the metrics: `python -m warren.telemetry.dashboard FILE` writes it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from warren.telemetry import contract
from warren.telemetry.instrument import Instrument, Shape
from warren.telemetry.prometheus import prometheus_name

WIDTH: Final = 24
HEIGHT: Final = 8
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
RATE: Final = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: (query, legend) for each of its lines. `unit` is Grafana's."""

    title: str
    about: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    width: int = 12


def _rate(one: Instrument, *by: str) -> str:
    name = prometheus_name(one) + ("_count" if one.shape is Shape.HISTOGRAM else "")
    return f"sum by ({', '.join(by)}) (rate({name}[{RATE}]))"


def _quantile(quantile: float, one: Instrument, *by: str) -> str:
    grouped = ", ".join((*by, "le"))
    return f"histogram_quantile({quantile}, sum by ({grouped}) (rate({prometheus_name(one)}_bucket[{RATE}])))"


def _mean(one: Instrument, *by: str) -> str:
    name, grouped = prometheus_name(one), ", ".join(by)
    both = (f"sum by ({grouped}) (rate({name}_{part}[{RATE}]))" for part in ("sum", "count"))
    return " / ".join(both)


def _sum(one: Instrument, *by: str) -> str:
    return f"sum by ({', '.join(by)}) ({prometheus_name(one)})"


def _most(one: Instrument, *by: str) -> str:
    """All replicas look at the same thing."""
    return f"max by ({', '.join(by)}) ({prometheus_name(one)})"


SKILL: Final = ("warren_team", "warren_skill")
PANELS: Final = (
    Panel(
        "Projects ended",
        "Per second, by playbook and outcome",
        "ops",
        (
            (
                _rate(contract.PROJECT_DURATION, "warren_playbook", "warren_outcome"),
                "{{warren_playbook}} {{warren_outcome}}",
            ),
        ),
    ),
    Panel(
        "Project duration",
        "From acceptance to the end, median and 99th percentile",
        "s",
        (
            (_quantile(0.5, contract.PROJECT_DURATION, "warren_playbook"), "{{warren_playbook}} p50"),
            (_quantile(0.99, contract.PROJECT_DURATION, "warren_playbook"), "{{warren_playbook}} p99"),
        ),
    ),
    Panel(
        "Tasks settled",
        "Per second, by skill and outcome",
        "ops",
        (
            (
                _rate(contract.TASKS_SETTLED, *SKILL, "warren_outcome"),
                "{{warren_team}}.{{warren_skill}} {{warren_outcome}}",
            ),
        ),
    ),
    Panel(
        "Queue wait",
        "From a task's planning to its first attempt: when it grows, workers are missing",
        "s",
        (
            (_quantile(0.5, contract.QUEUE_WAIT, *SKILL), "{{warren_team}}.{{warren_skill}} p50"),
            (_quantile(0.99, contract.QUEUE_WAIT, *SKILL), "{{warren_team}}.{{warren_skill}} p99"),
        ),
    ),
    Panel(
        "Run time of an attempt",
        "Median and 99th percentile",
        "s",
        (
            (_quantile(0.5, contract.ATTEMPT_DURATION, *SKILL), "{{warren_team}}.{{warren_skill}} p50"),
            (_quantile(0.99, contract.ATTEMPT_DURATION, *SKILL), "{{warren_team}}.{{warren_skill}} p99"),
        ),
    ),
    Panel(
        "Handlers at work",
        "Over all workers",
        "short",
        ((_sum(contract.IN_FLIGHT, *SKILL), "{{warren_team}}.{{warren_skill}}"),),
    ),
    Panel(
        "Tasks waiting in queues",
        "Ready messages",
        "short",
        ((_most(contract.QUEUE_MESSAGES, "warren_queue"), "{{warren_queue}}"),),
    ),
    Panel(
        "Retries and tasks given up",
        "Attempts put on the retry ladder, and tasks dead-lettered by workers, per second",
        "ops",
        (
            (_rate(contract.RETRIES, *SKILL), "{{warren_team}}.{{warren_skill}} retried"),
            (_rate(contract.GIVEN_UP, *SKILL), "{{warren_team}}.{{warren_skill}} given up"),
        ),
    ),
    Panel(
        "Retry ladder and dead letters",
        "Messages that wait for their next attempt, and those that wait for somebody to look at them",
        "short",
        (
            (f"max({prometheus_name(contract.LADDER_DEPTH)})", "on the ladder"),
            (_most(contract.DEAD_LETTERS, "warren_queue"), "{{warren_queue}}"),
        ),
    ),
    Panel(
        "Ledger transactions",
        "Median and 99th percentile of a transaction, by job",
        "s",
        (
            (_quantile(0.5, contract.LEDGER_DURATION, "job"), "{{job}} p50"),
            (_quantile(0.99, contract.LEDGER_DURATION, "job"), "{{job}} p99"),
        ),
    ),
    Panel(
        "Messages in a transaction",
        "Mean size of a batch: large under load, or something holds it small",
        "short",
        ((_mean(contract.LEDGER_BATCH, "job"), "{{job}}"),),
    ),
    Panel(
        "Processes and their connections",
        "Processes that are not ready, and connections to the broker made anew per minute",
        "short",
        (
            (f"count({prometheus_name(contract.READY)} == 0) or vector(0)", "not ready"),
            (f"sum(rate({prometheus_name(contract.RECONNECTS)}[{RATE}])) * 60", "reconnects a minute"),
        ),
    ),
    Panel(
        "Refused submissions",
        "Per second, by reason",
        "ops",
        ((_rate(contract.PROJECTS_REFUSED, "error_type"), "{{error_type}}"),),
    ),
    Panel(
        "Spans",
        "Exported and dropped per second",
        "ops",
        (
            (f"sum(rate({prometheus_name(contract.SPANS_EXPORTED)}[{RATE}]))", "exported"),
            (f"sum(rate({prometheus_name(contract.SPANS_DROPPED)}[{RATE}]))", "dropped"),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """What Grafana imports."""
    return {
        "title": "Warren",
        "uid": "warren",
        "tags": ["warren"],
        "schemaVersion": 39,
        "editable": True,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [_panel(number, panel) for number, panel in enumerate(PANELS)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    column, row = number % (WIDTH // panel.width), number // (WIDTH // panel.width)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": {"x": column * panel.width, "y": row * HEIGHT, "w": panel.width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend, "datasource": SOURCE}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
