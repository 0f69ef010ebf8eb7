"""One transaction's worth of carrying out plans: outcomes go in, ledger events and things to send come out.

The work of a turn is a list of nodes that have heard from children. The deepest goes first, because what a node does
with its children's outcomes may be an outcome for its parent, up to the owner of the plan.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from topology.names import DIRECTOR
from warren.coordination.bundling import Skill
from warren.coordination.carriage import is_exported
from warren.coordination.course import history_of
from warren.coordination.frame import Frame, Frames
from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import child_id, depth_of, is_within, key_of, parent_id
from warren.ledger.event import STOPPED_ERROR, LedgerEvent, NodesChanged, Planned, Row, Started, Stopped
from warren.ledger.event import Settled as SettledEvent
from warren.ledger.lost import outcomes
from warren.ledger.outbox import Unsent
from warren.ledger.transaction import NodeState, Owner, TaskState, Transaction
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.messages.outcome import AnyOutcome, Cancelled, ErrorInfo, Expired, Failed, Succeeded
from warren.messages.result import Result
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.expression import Evaluator, Scope, compiled
from warren.patterns.machine import Machine, Settled, Step
from warren.patterns.node import Node
from warren.patterns.objects import as_object
from warren.patterns.plan import dump_plan, parse_plan

COORDINATOR = "coordinator"
CLOCKS_DIFFER_S = 0.25
"""A worker's clock may be ahead of ours by so much when it says that a deadline has passed."""
ENVELOPE_BYTES = 320
"""What a message has around ids, input and plan: names of fields, numbers, the team and the skill."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A project or an assignment that has ended, to be reported upward."""

    owner: Owner
    outcome: AnyOutcome
    ended_s: float


@dataclass(slots=True)
class Effects:
    """What is to be sent once the transaction is durable."""

    unsent: list[Unsent] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    stopped: dict[str, int] = field(default_factory=dict)
    """Subtrees of which nothing is wanted any more, but what is sent for replays after this one."""
    reopened: list[Owner] = field(default_factory=list)
    """Projects that had ended and go on."""
    waiting: float | None = None
    """When the first of what has to wait is due (Unix seconds)."""
    took: list[tuple[Skill, float]] = field(default_factory=list)
    """(skill, seconds) of each task that succeeded."""
    settled: list[tuple[Result, TaskState]] = field(default_factory=list)
    """What has ended, and where it stood before."""
    frames: list[Frame] = field(default_factory=list)
    """What may be kept in memory from then on."""

    def add(self, other: Effects) -> None:
        self.unsent += other.unsent
        self.ended += other.ended
        self.stopped |= other.stopped
        self.reopened += other.reopened
        self.wait(other.waiting)
        self.took += other.took
        self.settled += other.settled
        self.frames += other.frames

    def wait(self, due_at: float | None) -> None:
        """Something is due then."""
        self.waiting = earlier(self.waiting, due_at)


class Turn:
    """One owner's plan, moved on inside one transaction."""

    def __init__(self, transaction: Transaction, frames: Frames, owner: Owner, *, now: float, limit_bytes: int) -> None:
        self._transaction = transaction
        self._owner = owner
        self._now = now
        self._limit_bytes = limit_bytes
        self._frame = frames.take(owner.id, self._load)
        self._frame.reader = self
        self._heard: dict[str, list[Settled]] = {}
        self._nodes: dict[str, NodeState] = {}
        self._evaluators: dict[int, Evaluator] = {}
        self._plan_texts: dict[int, str] = {}
        self._planned: dict[str, Row] = {}
        self._plans: list[Row] = []
        self._settled: list[Row] = []
        self._changed: dict[str, Row] = {}
        self._stopped: list[str] = []
        self._outputs: dict[str, JsonObject] = {}
        self.effects = Effects()

    def begin(self) -> Effects:
        """Start the owner's plan."""
        self._transaction.append(Started(self._owner.id, self._now))
        self._follow(self._owner.id, self._frame.machine(self._owner.id).begin())
        return self._carry_on()

    def settle(self, results: Iterable[Result]) -> Effects:
        """Take in outcomes of tasks and assignments of this owner; those that are known already change nothing."""
        results = list(results)
        states = self._transaction.task_states(sorted({result.id for result in results}))
        for result in results:
            state = states.get(result.id)
            if state is None or state.owner != self._owner.id or _is_stale(result, state):
                continue
            del states[result.id]  # the first result counts, another one is a duplicate
            if state.status == "open":
                self._take(result, state)
            elif state.kind == "assignment" and state.status == result.outcome.status:
                self._learn(result)
        self._load_nodes()
        return self._carry_on()

    def obstacles(self, heard: Mapping[str, Collection[str]], opened: Collection[str]) -> dict[str, InvalidInput]:
        """Why some children cannot be opened again, by the path below which that is so. Changes nothing.

        `heard` are the keys of the children by node, `opened` all that would be open again with them.
        """
        found: dict[str, InvalidInput] = {}
        for path, node in self._transaction.node_states(sorted(heard)).items():
            machine, state = self._frame.machine(path), node.state
            for key in sorted(heard[path]):
                try:
                    state = machine.reopen(state, [key])
                except InvalidInput as error:
                    found[child_id(path, key)] = error
            others = {child_id(path, key): key for key in machine.waiting(state)}
            ended = outcomes(self._transaction, sorted(others.keys() - set(opened)))
            step = machine.advance(state, [Settled(others[child], outcome) for child, outcome in ended.items()])
            if isinstance(step.outcome, Failed):
                found[path] = InvalidInput("others_failed", step.outcome.error.message)
        self._frame.reader = None
        return found

    def reopen(self, opened: Mapping[str, Collection[str]]) -> Effects:
        """Go on with nodes that the ledger has opened again, by path; each with the keys of children opened with it.

        What else a node waits for may have ended while nobody listened.
        """
        self._nodes.update(self._transaction.node_states(sorted(opened)))
        waiting: dict[str, str] = {}
        for path, keys in sorted(opened.items(), key=lambda item: depth_of(item[0])):
            machine, node = self._frame.machine(path), self._nodes[path]
            state = machine.reopen(node.state, sorted(keys))
            self._nodes[path] = replace(node, state=state)
            self._heard[path] = []
            waiting |= {child_id(path, key): path for key in machine.waiting(state)}
        for child, outcome in outcomes(self._transaction, sorted(waiting)).items():
            self._hear(child, outcome)
        return self._carry_on()

    def finish(self, outcome: AnyOutcome) -> Effects:
        """End the owner itself, whatever its plan was doing: cancelled, or past its deadline."""
        self._end_owner(outcome)
        return self._carry_on()

    def output(self, child: str) -> JsonObject:
        """For the machines: an output, also one that this turn brought."""
        found = self._outputs.get(child)
        return self._transaction.output(child) if found is None else found

    def outputs(self, parent: str) -> Iterator[tuple[str, JsonObject]]:
        self._write()
        return self._transaction.outputs(parent)

    def _load(self) -> Frame:
        plan, data = self._transaction.plan_and_input(self._owner.id)
        return Frame(self._owner.id, parse_plan(plan), data)

    def _take(self, result: Result, state: TaskState) -> None:
        row = _outcome_row(result.id, result.outcome, result.ended_s)
        row.update(attempt=result.attempt, agent=result.agent, started_at=result.started_s)
        row["history"] = history_of(result)
        self._settled.append(row)
        self.effects.settled.append((result, state))
        ran = isinstance(result.outcome, Succeeded)
        if ran and state.team is not None and state.skill is not None:
            self.effects.took.append(((state.team, state.skill), result.ended_s - result.started_s))
        self._learn(result)
        if state.kind == "assignment" and not ran:
            self._stopped.append(result.id)

    def _learn(self, result: Result) -> None:
        """Tell the plan. An assignment's row was written by its lead already; machines know what they have heard."""
        self._hear(result.id, result.outcome)
        if isinstance(result.outcome, Succeeded):
            self._outputs[result.id] = result.outcome.output

    def _hear(self, child: str, outcome: AnyOutcome) -> None:
        self._heard.setdefault(parent_id(child), []).append(Settled(key_of(child), outcome))

    def _load_nodes(self) -> None:
        """Read all nodes that may hear something, from the tasks' parents up to the plan's root, at once."""
        paths = set(self._heard)
        for path in self._heard:
            while (path := parent_id(path) if path != self._owner.id else path) not in paths:
                paths.add(path)
        self._nodes.update(self._transaction.node_states(sorted(paths - {self._owner.id})))

    def _carry_on(self) -> Effects:
        while self._heard:
            path = max(self._heard, key=depth_of)
            self._advance(path, self._heard.pop(path))
        self._write()
        self._frame.reader = None
        self._drop_stopped()
        if not self.effects.ended:
            self.effects.frames.append(self._frame)
        return self.effects

    def _drop_stopped(self) -> None:
        """What this very turn has stopped need not be sent."""
        if self.effects.stopped:
            stopped = self.effects.stopped
            self.effects.unsent = [
                unsent for unsent in self.effects.unsent if not any(is_within(unsent.id, path) for path in stopped)
            ]

    def _advance(self, path: str, settled: list[Settled]) -> None:
        if path == self._owner.id:
            self._end_owner(settled[0].outcome)
            return
        node = self._node(path)
        if node.status != "open":
            return
        try:
            step = self._frame.machine(path).advance(node.state, settled)
        except InvalidInput as error:
            step = Step(node.state, cancel_rest=True, outcome=_refused(error))
        self._follow(path, step)

    def _follow(self, path: str, step: Step) -> None:
        """Do what a machine wants done."""
        if step.cancel_rest:
            self._stopped.append(path)
            self._frame.forget_below(path)
        if path != self._owner.id:
            self._note(path, step)
        if step.outcome is not None:
            self._hear(path, step.outcome)
            self._frame.forget(path)
            return
        machine = self._frame.machine(path)
        for key in step.start:
            self._start(path, machine, key)

    def _start(self, path: str, machine: Machine, key: str) -> None:
        child, node = child_id(path, key), machine.child(key)
        try:
            match node:
                case Call() | Delegate():
                    self._plan_leaf(child, node, machine.scope(key), machine.position(key))
                case _:
                    self._follow(child, self._frame.machine(child).begin())
        except InvalidInput as error:
            self._refuse(child, node, machine.position(key), error)

    def _plan_leaf(self, child: str, node: Call | Delegate, scope: Scope, position: int) -> None:
        data = as_object(self._evaluator(node)(scope), f"the input of {_name(node)}")
        row = self._task_row(child, node, position, self._not_before(node, scope))
        row["input"] = text = to_json(data)
        plan = self._plan_text(node)
        size = size_bytes(text) + size_bytes(plan or "") + len(child) + len(self._owner.id) + ENVELOPE_BYTES
        if size > self._limit_bytes:
            raise MessageTooLarge(size, self._limit_bytes)
        self._planned[child] = row
        unsent = self._unsent(row, plan)
        if row["not_before_at"] is None:
            self.effects.unsent.append(unsent)
        else:
            self.effects.wait(row["not_before_at"])

    def _not_before(self, node: Call | Delegate, scope: Scope) -> float | None:
        """When the task may be sent (Unix seconds); None if at once."""
        due_at = node.due_at(scope, self._now) if isinstance(node, Call) else None
        if due_at is None or due_at <= self._now:
            return None
        if self._owner.deadline_at is not None and due_at >= self._owner.deadline_at:
            raise InvalidInput("due_after_deadline", "it may not begin before the deadline of its project")
        return due_at

    def _task_row(self, child: str, node: Call | Delegate, position: int, not_before_at: float | None = None) -> Row:
        owner = self._owner
        begins_at = not_before_at or self._now
        return {
            "id": child,
            "owner": owner.id,
            "parent": parent_id(child),
            "position": position,
            "kind": "task" if isinstance(node, Call) else "assignment",
            "team": owner.team if isinstance(node, Call) else node.team,
            "skill": node.skill if isinstance(node, Call) else None,
            "status": "open",
            "attempt": 1,
            "priority": owner.priority,
            "deadline_at": earlier(owner.deadline_at, None if node.timeout_s is None else begins_at + node.timeout_s),
            "created_at": self._now,
            "replays": owner.replays,
            "not_before_at": not_before_at,
        }

    def _plan_text(self, node: Call | Delegate) -> str | None:
        if not isinstance(node, Delegate):
            return None
        text = self._plan_texts.get(id(node))
        if text is None:
            assert node.plan is not None, "playbooks are put in before a plan starts"
            text = self._plan_texts[id(node)] = to_json(dump_plan(node.plan))
        return text

    def _unsent(self, row: Row, plan: str | None) -> Unsent:
        report_to = None
        if plan is not None:
            report_to = self._report_to()
            self._plans.append({"id": row["id"], "plan": plan, "report_to": report_to, **self._traced()})
        return Unsent(
            id=row["id"],
            owner=row["owner"],
            kind=row["kind"],
            team=row["team"],
            skill=row["skill"],
            attempt=1,
            priority=row["priority"],
            deadline_at=row["deadline_at"],
            input=row["input"],
            plan=plan,
            report_to=report_to,
            replay=row["replays"],
            trace=self._owner.trace,
        )

    def _traced(self) -> Row:
        """What an assignment inherits, so that its part of the trace is exported with the project's."""
        return {"trace": self._owner.trace, "to_trace": is_exported(self._owner.trace)}

    def _report_to(self) -> str:
        return self._owner.team or DIRECTOR

    def _evaluator(self, node: Call | Delegate) -> Evaluator:
        found = self._evaluators.get(id(node))
        if found is None:
            found = self._evaluators[id(node)] = compiled(node.input)
        return found

    def _refuse(self, child: str, node: Node, position: int, error: InvalidInput) -> None:
        """A child that cannot even begin is a child that has failed."""
        outcome = _refused(error, child)
        if isinstance(node, Call | Delegate):
            row = self._task_row(child, node, position)
            self._planned[child] = {**row, "input": "{}"}
            if isinstance(node, Delegate):
                plan = self._plan_text(node)
                self._plans.append({"id": child, "plan": plan, "report_to": self._report_to(), **self._traced()})
            ended = _outcome_row(child, outcome, self._now)
            ended.update(attempt=1, agent=COORDINATOR, started_at=self._now)
            self._settled.append(ended)
            self._hear(child, outcome)
        else:
            self._follow(child, Step({}, outcome=outcome))

    def _node(self, path: str) -> NodeState:
        node = self._nodes.get(path)
        if node is None:
            node = self._nodes[path] = self._transaction.node_states([path])[path]
        return node

    def _note(self, path: str, step: Step) -> None:
        known = self._nodes.get(path)
        status = "open" if step.outcome is None else step.outcome.status
        started_at = self._now if known is None else known.started_at
        self._nodes[path] = NodeState(path, status, step.state, started_at)
        ended = step.outcome is not None
        output = error = None
        if step.outcome is not None:
            output, error = _texts(step.outcome)
            if isinstance(step.outcome, Succeeded):
                self._outputs[path] = step.outcome.output
        node = self._frame.node(path)
        self._changed[path] = {
            "path": path,
            "owner": self._owner.id,
            "parent": parent_id(path),
            "position": self._frame.machine(parent_id(path)).position(key_of(path)),
            "kind": _kind(node),
            "name": _name(node),
            "status": status,
            "state": to_json(step.state),
            "output": output,
            "error": error,
            "started_at": started_at,
            "ended_at": self._now if ended else None,
        }

    def _end_owner(self, outcome: AnyOutcome) -> None:
        outcome = self._timely(self._bounded(outcome))
        row = _outcome_row(self._owner.id, outcome, self._now)
        started_at = self._owner.started_at or self._now
        row.update(attempt=self._owner.attempt, agent=COORDINATOR, started_at=started_at)
        self._settled.append(row)
        if not isinstance(outcome, Succeeded):
            self._stopped.append(self._owner.id)
        self._heard.clear()
        self.effects.ended.append(Ended(self._owner, outcome, self._now))

    def _timely(self, outcome: AnyOutcome) -> AnyOutcome:
        """Nothing succeeds past its deadline: what a plan tolerates may be what the deadline has ended.

        And what fails as its time is over has expired: its tasks have the same deadline, and may hear of it first.
        """
        left_s = math.inf if self._owner.deadline_at is None else self._owner.deadline_at - self._now
        is_late = left_s < 0 if isinstance(outcome, Succeeded) else left_s <= CLOCKS_DIFFER_S
        return Expired(reason="its deadline passed") if is_late and isinstance(outcome, Succeeded | Failed) else outcome

    def _bounded(self, outcome: AnyOutcome) -> AnyOutcome:
        if isinstance(outcome, Succeeded) and (size := size_bytes(to_json(outcome.output))) > self._limit_bytes:
            return _refused(MessageTooLarge(size, self._limit_bytes), self._owner.id)
        return outcome

    def _write(self) -> None:
        """Append what has happened so far, in the order in which a rebuild must see it."""
        owner, now = self._owner.id, self._now
        for path in self._stopped:
            self._transaction.lock_subtree(path)  # so that nobody plans anew below it meanwhile
        happened: list[LedgerEvent] = []
        if self._planned:
            happened.append(Planned(owner, now, list(self._planned.values()), self._plans))
        if self._settled:
            happened.append(SettledEvent(owner, now, self._settled))
        if self._changed:
            happened.append(NodesChanged(owner, now, list(self._changed.values())))
        happened += [Stopped(path, now, "cancelled", STOPPED_ERROR) for path in self._stopped]
        self.effects.stopped |= dict.fromkeys(self._stopped, self._owner.replays)
        self._planned, self._plans, self._settled, self._changed, self._stopped = {}, [], [], {}, []
        self._transaction.append(*happened)
        self._transaction.flush()


def _refused(error: InvalidInput, task: str = "") -> Failed:
    return Failed(
        error=ErrorInfo(code=error.code, message=error.message, pointer=error.pointer, task=task, permanent=True)
    )


def _is_stale(result: Result, state: TaskState) -> bool:
    """Whether the task was opened again, or tried again, since."""
    return (result.replay or 0, result.attempt) < (state.replays, state.attempt)


def size_bytes(text: str) -> int:
    """What a text comes to on the wire."""
    return len(text) if text.isascii() else len(text.encode())


def _outcome_row(task_id: str, outcome: AnyOutcome, ended_s: float) -> Row:
    output, error = _texts(outcome)
    return {"id": task_id, "status": outcome.status, "output": output, "error": error, "ended_at": ended_s}


def _texts(outcome: AnyOutcome) -> tuple[str | None, str | None]:
    """(output, error) as JSON text."""
    match outcome:
        case Succeeded(output=output):
            return to_json(output), None
        case Failed(error=error):
            return None, to_json(error.model_dump(exclude_defaults=True))
        case Cancelled(reason=reason) | Expired(reason=reason):
            return None, to_json({"code": outcome.status, "message": reason})
        case _:
            assert_never(outcome)


def earlier(first: float | None, second: float | None) -> float | None:
    return min((moment for moment in (first, second) if moment is not None), default=None)


def _kind(node: Node) -> str:
    return str(type(node).model_fields["kind"].default)


def _name(node: Node) -> str:
    match node:
        case Call(skill=skill):
            return skill
        case Delegate(team=team):
            return team
        case _:
            return _kind(node)
