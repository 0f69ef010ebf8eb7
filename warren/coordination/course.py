"""What a task went through: waits in its queue, tries, and stays on the retry ladder, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from warren.ledger.timeline import Line
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.messages.result import Result
from warren.telemetry.period import Period

NO_WORKER: Final = frozenset({"coordinator", "sweeper", "broker"})
"""Who ends tasks that no worker has tried (for the last time)."""
REDELIVERED: Final = "redelivered"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt; `skew_s` is by how much its start was put right, to lie within its task."""

    number: int
    agent: str
    period: Period
    status: str
    error: JsonObject | None = None
    redelivered: bool = False
    skew_s: float = 0.0


@dataclass(slots=True)
class Course:
    """`waits` are (attempt, when), `climbs` on the ladder (the attempt before, when, the delay in seconds)."""

    tries: list[Try] = field(default_factory=list)
    waits: list[tuple[int, Period]] = field(default_factory=list)
    climbs: list[tuple[int, Period, float]] = field(default_factory=list)
    rests: list[tuple[int, Period]] = field(default_factory=list)
    """(The attempt before, when) it was given up, until somebody had it done again."""


def history_of(result: Result) -> str | None:
    """What a result tells of the attempts before its own, as the ledger keeps it; None if there is nothing to tell."""
    known = [tried.model_dump() for tried in result.tried or ()]
    if result.redelivered:
        known.append({"attempt": result.attempt, "code": REDELIVERED})
    return to_json(known) if known else None


def course_of(line: Line, whole: Period) -> Course:
    """The course of a task that was open for the `whole` period."""
    course, since_s = Course(), whole.start_s
    again = any(one.get("code") == REDELIVERED for one in line.history)
    for tried in (one for one in line.history if one.get("code") != REDELIVERED):
        number = int(tried["attempt"])
        period = Period(tried["started_s"], tried["ended_s"]).within(whole)
        error = {"code": tried["code"], "message": tried.get("message", ""), "type": tried.get("type")}
        course.waits.append((number, Period(since_s, period.start_s)))
        course.tries.append(
            Try(number, tried.get("agent", ""), period, "failed", error, skew_s=period.start_s - tried["started_s"])
        )
        since_s = _go_on(course, line, number, period.end_s, tried.get("delay_s", 0.0))
    _finish(course, line, whole, since_s, redelivered=again)
    _keep_in_order(course)
    return course


def _go_on(course: Course, line: Line, number: int, ended_s: float, delay_s: float) -> float:
    """When the next attempt began to wait in its queue: the ladder had it until then, or it had been given up."""
    if delay_s:
        course.climbs.append((number, Period(ended_s, ended_s + delay_s), delay_s))
        return ended_s + delay_s
    if number < line.attempt - 1 or line.dispatched_at is None or line.dispatched_at < ended_s:
        return ended_s
    course.rests.append((number, Period(ended_s, line.dispatched_at)))
    return line.dispatched_at


def _finish(course: Course, line: Line, whole: Period, since_s: float, *, redelivered: bool) -> None:
    """The last attempt, if a worker has begun it."""
    if line.started_at is None or line.agent in NO_WORKER:
        course.waits.append((line.attempt, Period(min(since_s, whole.end_s), whole.end_s)))
        return
    ended_s = whole.end_s if line.ended_at is None else line.ended_at
    period = Period(line.started_at, ended_s).within(whole)
    course.waits.append((line.attempt, Period(since_s, period.start_s)))
    course.tries.append(
        Try(
            line.attempt,
            line.agent or "",
            period,
            line.status,
            line.error,
            redelivered=redelivered,
            skew_s=period.start_s - line.started_at,
        )
    )


def _keep_in_order(course: Course) -> None:
    """A delay that a clock cut short ends when the next attempt begins, and a wait is never negative."""
    starts = {one.number: one.period.start_s for one in course.tries}
    course.climbs = [
        (
            number,
            Period(climb.start_s, max(climb.start_s, min(climb.end_s, starts.get(number + 1, climb.end_s)))),
            delay_s,
        )
        for number, climb, delay_s in course.climbs
    ]
    course.waits = [(number, Period(min(wait.start_s, wait.end_s), wait.end_s)) for number, wait in course.waits]
