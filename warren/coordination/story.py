"""From the ledger's rows to spans: the one place that says how what happened looks as a trace.

All spans of a project are made of the ledger's record and of nothing else. So they are the same whoever makes them,
however often, and after any crash; and what a person sees in a terminal is what a collector gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from topology import names
from warren.coordination.course import Course, Try, course_of
from warren.coordination.scaffold import Scaffold
from warren.ids import depth_of, project_of
from warren.ledger.timeline import Line, Timeline
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.telemetry import contract
from warren.telemetry.context import attempt_id
from warren.telemetry.period import Period
from warren.telemetry.span import Kind, Service, Span, SpanEvent, Value

MAX_VALUE_CHARS: Final = 200
MAX_LOST: Final = 32
"""Events about children that ended badly, on one node."""
PROBLEMS: Final = ("failed", "expired")
SKEW_TOLERANCE_S: Final = 0.001


def spans_of(timeline: Timeline, now: float) -> list[Span]:
    """The spans of one project or assignment, its own first. What is not over yet ends `now`, and says so."""
    return [*Story(timeline, now).spans()]


def news_of(timeline: Timeline, now: float) -> list[Span]:
    """The spans that are not exported yet: all of them, or, after a replay, what happened since it was opened again.

    What goes on gets another span for that, in the same trace: the one that was exported cannot be taken back.
    """
    story = Story(timeline, now, is_news=True)
    return [span for span in story.spans() if span.end_s > story.scaffold.since_s]


class Story:
    """One timeline while it is told. With `is_news`, what was exported before is left out."""

    def __init__(self, timeline: Timeline, now: float, *, is_news: bool = False) -> None:
        self.timeline = timeline
        self.is_news = is_news
        self.scaffold = Scaffold(timeline, now, is_news=is_news)

    def spans(self) -> Iterator[Span]:
        lost = self._lost()
        yield from self._of_owner(self.timeline.owner)
        for line in sorted(self.timeline.lines, key=lambda one: depth_of(one.id)):
            self.scaffold.place(line)
            match line.kind:
                case "assignment":
                    continue  # its own timeline tells it
                case "task":
                    yield from self._of_task(line)
                case _:
                    yield self._of_node(line, lost.get(line.id, []))

    def _of_owner(self, owner: Line) -> Iterator[Span]:
        if owner.kind == "project":
            attributes: dict[str, Value] = {
                contract.OPERATION.name: "invoke_workflow",
                contract.WORKFLOW.name: owner.name,
                contract.CONVERSATION.name: owner.id,
                contract.PRIORITY.name: owner.priority,
            }
            name = contract.PROJECT.name.format(playbook=owner.name)
            yield self._span(owner, name, contract.PROJECT.kind, attributes)
            return
        attributes = {contract.TEAM.name: owner.name, contract.PRIORITY.name: owner.priority}
        name = contract.ASSIGNMENT.name.format(team=owner.name)
        yield self._span(owner, name, contract.ASSIGNMENT.kind, attributes)
        period = self.scaffold.period(owner.id)
        begun_s = period.end_s if owner.started_at is None else owner.started_at
        yield self._waiting(owner, Period(period.start_s, begun_s), names.lead_queue(owner.name), 1)

    def _of_node(self, line: Line, lost: list[Line]) -> Span:
        attributes: dict[str, Value] = {contract.PATTERN.name: line.kind}
        if line.total:
            attributes[contract.TOTAL.name] = line.total
            attributes[contract.FAILED.name] = line.failed
        if line.vote is not None:
            attributes |= _vote(line.vote)
        if line.shown < line.total:
            attributes[contract.SHOWN.name] = line.shown
            attributes[contract.LEFT_OUT.name] = line.total - line.shown
        span = self._span(line, contract.NODE.name.format(pattern=line.kind), contract.NODE.kind, attributes)
        span.events += [self._loss(child) for child in lost[:MAX_LOST]]
        return span

    def _of_task(self, line: Line) -> Iterator[Span]:
        skill, course = line.name, course_of(line, self.scaffold.period(line.id))
        attributes: dict[str, Value] = {
            contract.TEAM.name: line.team or "",
            contract.SKILL.name: skill,
            contract.PRIORITY.name: line.priority,
            contract.ATTEMPTS.name: len(course.tries),
        }
        span = self._span(line, contract.TASK.name.format(skill=skill), contract.TASK.kind, attributes)
        if line.dispatched_at is not None and span.start_s <= line.dispatched_at <= span.end_s:
            span.events.append(SpanEvent(contract.DISPATCHED.name, line.dispatched_at))
        yield span
        yield from self._of_course(line, course)

    def _of_course(self, line: Line, course: Course) -> Iterator[Span]:
        queue = names.work_queue(line.team or "", line.name)
        for number, wait in course.waits:
            yield self._waiting(line, wait, queue, number)
        for number, climb, delay_s in course.climbs:
            about: dict[str, Value] = {contract.ATTEMPT.name: number, contract.DELAY_S.name: delay_s}
            yield self._part(line, contract.LADDER.name, climb, ("ladder", number), about)
        for number, rest in [] if self.is_news else course.rests:
            yield self._part(line, contract.REST.name, rest, ("rest", number), {contract.ATTEMPT.name: number})
        before = ""
        for one in course.tries:
            attempt = self._attempt(line, one, queue)
            attempt.links += [before] if before else []
            before = attempt.span_id
            yield attempt

    def _attempt(self, line: Line, one: Try, queue: str) -> Span:
        key = names.task_key(line.team or "", line.name)
        attributes: dict[str, Value] = {
            contract.PROJECT_ID.name: project_of(line.id),
            contract.TASK_ID.name: line.id,
            contract.OUTCOME.name: one.status,
            contract.OPERATION.name: "invoke_agent",
            contract.PROVIDER.name: contract.SCOPE,
            contract.AGENT_NAME.name: line.name,
            contract.AGENT_ID.name: one.agent,
            contract.CONVERSATION.name: project_of(line.id),
            contract.ATTEMPT.name: one.number,
            contract.SYSTEM.name: contract.RABBITMQ,
            contract.MESSAGING_OPERATION.name: "process",
            contract.OPERATION_TYPE.name: "process",
            contract.DESTINATION.name: f"{names.TASKS}:{key}:{queue}",
            contract.ROUTING_KEY.name: key,
        }
        if abs(one.skew_s) > SKEW_TOLERANCE_S:
            attributes[contract.SKEW_S.name] = round(one.skew_s, 6)
        name = contract.ATTEMPT_SPAN.name.format(skill=line.name)
        span_id = attempt_id(self.scaffold.context, line.id, one.number)
        span = self.scaffold.span(span_id, line.id, name, one.period, attributes)
        span.kind, span.service = contract.ATTEMPT_SPAN.kind, Service("worker", one.agent)
        _explain(span, one)
        return span

    def _span(self, line: Line, name: str, kind: Kind, attributes: dict[str, Value]) -> Span:
        """The span of a line itself, with how it ended."""
        span = self.scaffold.of_line(line, name, attributes)
        span.kind = kind
        if self.scaffold.since_s:
            span.attributes[contract.REPLAY.name] = self.timeline.retold
        if line.step:
            span.attributes[contract.STEP.name] = line.step
        span.attributes[contract.PROJECT_ID.name] = project_of(line.id)
        span.attributes[contract.TASK_ID.name] = line.id
        if line.status == "open":
            span.attributes[contract.NOT_OVER.name] = True
            return span
        span.attributes[contract.OUTCOME.name] = line.status
        if line.error is not None:
            span.attributes[contract.REASON.name] = _message(line)
            if line.status in PROBLEMS:
                span.error = _message(line)
                span.attributes[contract.ERROR_TYPE.name] = str(line.error.get("code", line.status))
        return span

    def _waiting(self, line: Line, period: Period, queue: str, number: int) -> Span:
        about: dict[str, Value] = {contract.QUEUE.name: queue, contract.ATTEMPT.name: number}
        return self._part(line, contract.WAIT.name.format(queue=queue), period, ("wait", number), about)

    def _part(self, line: Line, name: str, period: Period, what: tuple[str, int], attributes: dict[str, Value]) -> Span:
        return self.scaffold.part(line, what, name, period, {contract.TASK_ID.name: line.id, **attributes})

    def _lost(self) -> dict[str, list[Line]]:
        """By node, its children that ended badly."""
        lost: dict[str, list[Line]] = {}
        for line in self.timeline.lines:
            if line.status not in ("open", "succeeded"):
                lost.setdefault(line.parent or "", []).append(line)
        return lost

    def _loss(self, child: Line) -> SpanEvent:
        about: dict[str, Value] = {
            contract.TASK_ID.name: child.id,
            contract.OUTCOME.name: child.status,
            contract.REASON.name: _message(child),
        }
        if child.step:
            about[contract.STEP.name] = child.step
        return SpanEvent(contract.LOST.name, self.scaffold.within_parent(child).end_s, about)


def _explain(span: Span, one: Try) -> None:
    """Say on an attempt's span why it did not succeed."""
    if one.redelivered:
        span.events.append(SpanEvent(contract.REDELIVERED.name, one.period.start_s))
    if one.error is None:
        return
    message, code = str(one.error.get("message", "")), str(one.error.get("code", one.status))
    if one.status not in PROBLEMS:
        span.attributes[contract.REASON.name] = message
        return
    span.error = message
    span.attributes[contract.ERROR_TYPE.name] = code
    about: dict[str, Value] = {
        contract.EXCEPTION_TYPE.name: str(one.error.get("type") or code),
        contract.EXCEPTION_MESSAGE.name: message,
    }
    if one.error.get("traceback"):
        about[contract.EXCEPTION_STACK.name] = str(one.error["traceback"])
    span.events.append(SpanEvent(contract.EXCEPTION.name, one.period.end_s, about))


def _vote(vote: JsonObject) -> dict[str, Value]:
    """What a vote came to, whatever was voted on."""
    value = to_json(vote.get("value"))
    return {
        contract.VOTE.name: value if len(value) <= MAX_VALUE_CHARS else value[: MAX_VALUE_CHARS - 1] + "…",
        contract.VOTES.name: int(vote.get("votes", 0)),
        contract.VOTES_OF.name: int(vote.get("of", 0)),
    }


def _message(line: Line) -> str:
    return "" if line.error is None else str(line.error.get("message", ""))
