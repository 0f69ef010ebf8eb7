"""From the ledger's rows to spans: the one place that says how what happened looks as a trace.

All spans of a project are made of the ledger's record and of nothing else. So they are the same whoever makes them,
however often, and after any crash; and what a person sees in a terminal is what a collector gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from topology import names
from warren.coordination.course import Course, Try, course_of
from warren.ids import depth_of, is_within, project_of
from warren.ledger.timeline import Line, Timeline
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.telemetry import contract
from warren.telemetry.context import TraceContext, attempt_id, trace_id_of
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
    return [span for span in story.spans() if span.end_s > story.since_s]


@dataclass(slots=True)
class Story:
    """One timeline while it is told."""

    timeline: Timeline
    now: float
    is_news: bool = False
    """Whether what was exported before is left out, and what goes on has ids of its own."""
    context: TraceContext = field(init=False)
    _periods: dict[str, Period] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        trace, owner = self.timeline.trace, self.timeline.owner
        known = None if trace is None else TraceContext.from_text(trace)
        self.context = known or TraceContext(trace_id_of(project_of(owner.id)))
        self._periods[owner.id] = self._whole(owner)

    def spans(self) -> Iterator[Span]:
        lost = self._lost()
        yield from self._of_owner(self.timeline.owner)
        for line in sorted(self.timeline.lines, key=lambda one: depth_of(one.id)):
            outer = self._periods[line.parent or ""]
            self._periods[line.id] = self._whole(line).within(outer)
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
            yield self._span(owner, name, contract.PROJECT.kind, self._teller, attributes)
            return
        attributes = {contract.TEAM.name: owner.name, contract.PRIORITY.name: owner.priority}
        name = contract.ASSIGNMENT.name.format(team=owner.name)
        yield self._span(owner, name, contract.ASSIGNMENT.kind, self._teller, attributes)
        period = self._periods[owner.id]
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
        span = self._span(
            line, contract.NODE.name.format(pattern=line.kind), contract.NODE.kind, self._teller, attributes
        )
        span.events += [self._loss(child) for child in lost[:MAX_LOST]]
        return span

    def _of_task(self, line: Line) -> Iterator[Span]:
        skill, course = line.name, course_of(line, self._periods[line.id])
        attributes: dict[str, Value] = {
            contract.TEAM.name: line.team or "",
            contract.SKILL.name: skill,
            contract.PRIORITY.name: line.priority,
            contract.ATTEMPTS.name: len(course.tries),
        }
        span = self._span(line, contract.TASK.name.format(skill=skill), contract.TASK.kind, self._teller, attributes)
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
            yield self._below(line, contract.LADDER.name, climb, ("ladder", number), about)
        for number, rest in [] if self.is_news else course.rests:
            yield self._below(line, contract.REST.name, rest, ("rest", number), {contract.ATTEMPT.name: number})
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
        span = self._bare(attempt_id(self.context, line.id, one.number), line.id, name, one.period, attributes)
        span.kind, span.service = contract.ATTEMPT_SPAN.kind, Service("worker", one.agent)
        _explain(span, one)
        return span

    def _span(self, line: Line, name: str, kind: Kind, service: Service, attributes: dict[str, Value]) -> Span:
        """The span of a line itself, with how it ended."""
        period = self._periods[line.id]
        span = self._bare(self._id_of(line.id), line.parent or "", name, period, attributes)
        span.kind, span.service = kind, service
        if self.since_s:
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
        return self._below(line, contract.WAIT.name.format(queue=queue), period, ("wait", number), about)

    def _below(
        self, line: Line, name: str, period: Period, what: tuple[str, int], attributes: dict[str, Value]
    ) -> Span:
        again = ("again", self.timeline.retold) if self.since_s else ()
        span_id = self.context.span_id(line.id, *what, *again)
        period = period.within(self._periods[line.id])
        return self._bare(span_id, line.id, name, period, {contract.TASK_ID.name: line.id, **attributes})

    def _bare(self, span_id: str, above: str, name: str, period: Period, attributes: dict[str, Value]) -> Span:
        return Span(
            trace_id=self.context.trace_id,
            span_id=span_id,
            parent_id=self._id_of(above) if above else self._above_project(),
            name=name,
            kind=Kind.INTERNAL,
            service=self._teller,
            start_s=period.start_s,
            end_s=period.end_s,
            attributes=attributes,
        )

    def _id_of(self, path: str) -> str:
        """The span of a line of this plan, or of the node that its owner is below."""
        is_ours = is_within(path, self.timeline.owner.id)
        times = self.timeline.retold if is_ours else self.timeline.above_retold
        return self.context.span_id(path, "again", times) if times and self.is_news else self.context.span_id(path)

    @property
    def since_s(self) -> float:
        """When the part that is told began, if it is not the first (Unix seconds)."""
        return (self.timeline.reopened_at or 0.0) if self.is_news and self.timeline.retold else 0.0

    def _above_project(self) -> str:
        """The publisher's span; the second part of a project is below its first."""
        return self.context.span_id(self.timeline.owner.id) if self.since_s else self.context.parent_id

    @property
    def _teller(self) -> Service:
        """Whose plan it is. Not which replica: any of them carries a plan on."""
        return Service("director" if self.timeline.owner.kind == "project" else "teamlead")

    def _whole(self, line: Line) -> Period:
        start_s = max(line.created_at, self.since_s)
        return Period(start_s, max(start_s, self.now if line.ended_at is None else line.ended_at))

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
        ended = self._whole(child).within(self._periods[child.parent or ""]).end_s
        return SpanEvent(contract.LOST.name, ended, about)


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
