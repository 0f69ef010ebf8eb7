"""What a coordinator has brought about, in numbers."""

from __future__ import annotations

from warren.coordination.course import NO_WORKER
from warren.coordination.effects import Effects
from warren.telemetry import contract
from warren.telemetry.metrics import Metrics

INLINE = "plan"
"""What stands for the playbook of a project that brought its own plan."""


def count(metrics: Metrics, effects: Effects) -> None:
    """Take note of effects that are durable."""
    for result, state in effects.settled:
        if state.team is None or state.skill is None:
            continue
        metrics.add(contract.TASKS_SETTLED, state.team, state.skill, result.outcome.status)
        if result.agent not in NO_WORKER:
            begun_s = result.tried[0].started_s if result.tried else result.started_s
            wait_s = max(0.0, begun_s - max(state.created_at, state.not_before_at or 0.0))
            metrics.observe(contract.QUEUE_WAIT, wait_s, state.team, state.skill)
    for ended in effects.ended:
        owner = ended.owner
        if owner.kind == "project" and owner.status == "open":  # else it is only reported again
            took_s = ended.ended_s - owner.created_at
            metrics.observe(contract.PROJECT_DURATION, took_s, owner.playbook or INLINE, ended.outcome.status)
