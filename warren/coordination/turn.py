"""One transaction's worth of carrying out plans: outcomes go in, ledger events and things to send come out.

The work of a turn is a list of nodes that have heard from children. The deepest goes first, because what a node does
with its children's outcomes may be an outcome for its parent, up to the owner of the plan.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from warren.coordination.course import history_of
from warren.coordination.effects import Effects, Ended
from warren.coordination.frame import Frame, Frames
from warren.coordination.journal import Journal, outcome_row, size_bytes
from warren.coordination.planning import PlannedLeaf, Planner
from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import child_id, depth_of, is_within, key_of, parent_id
from warren.ledger.event import Started
from warren.ledger.lost import outcomes
from warren.ledger.transaction import NodeState, Owner, TaskState, Transaction
from warren.messages.codec import to_json
from warren.messages.message import JsonObject
from warren.messages.outcome import AnyOutcome, ErrorInfo, Expired, Failed, Succeeded
from warren.messages.result import Result
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.expression import Scope
from warren.patterns.machine import Machine, Settled, Step
from warren.patterns.node import Node
from warren.patterns.plan import parse_plan

COORDINATOR = "coordinator"
CLOCKS_DIFFER_S = 0.25
"""A worker's clock may be ahead of ours by so much when it says that a deadline has passed."""


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
        self._planner = Planner(owner, now=now, limit_bytes=limit_bytes)
        self._journal = Journal(owner.id, now)
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

    def outputs(self, parent: str, limit_bytes: int | None = None) -> Iterator[tuple[str, JsonObject]]:
        self._write()
        return self._transaction.outputs(parent, limit_bytes)

    @property
    def limit_bytes(self) -> int:
        """What one message may hold."""
        return self._limit_bytes

    def _load(self) -> Frame:
        plan, data = self._transaction.plan_and_input(self._owner.id)
        return Frame(self._owner.id, parse_plan(plan), data)

    def _take(self, result: Result, state: TaskState) -> None:
        row = outcome_row(result.id, result.outcome, result.ended_s)
        row.update(attempt=result.attempt, agent=result.agent, started_at=result.started_s)
        row["history"] = history_of(result)
        self._journal.settled.append(row)
        self.effects.settled.append((result, state))
        ran = isinstance(result.outcome, Succeeded)
        if ran and state.team is not None and state.skill is not None:
            self.effects.took.append(((state.team, state.skill), result.ended_s - result.started_s))
        self._learn(result)
        if state.kind == "assignment" and not ran:
            self._journal.stopped.append(result.id)

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
            self._journal.stopped.append(path)
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
        leaf = self._planner.leaf(child, node, scope, position)
        self._write_down(leaf)
        if leaf.task["not_before_at"] is None:
            self.effects.unsent.append(leaf.unsent)
        else:
            self.effects.wait(leaf.task["not_before_at"])

    def _write_down(self, leaf: PlannedLeaf) -> None:
        self._journal.planned[leaf.unsent.id] = leaf.task
        if leaf.plan is not None:
            self._journal.plans.append(leaf.plan)

    def _refuse(self, child: str, node: Node, position: int, error: InvalidInput) -> None:
        """A child that cannot even begin is a child that has failed."""
        outcome = _refused(error, child)
        if not isinstance(node, Call | Delegate):
            self._follow(child, Step({}, outcome=outcome))
            return
        self._write_down(self._planner.refused(child, node, position))
        self._end_row(child, outcome, attempt=1, started_at=self._now)
        self._hear(child, outcome)

    def _end_row(self, task_id: str, outcome: AnyOutcome, *, attempt: int, started_at: float) -> None:
        row = outcome_row(task_id, outcome, self._now)
        self._journal.settled.append({**row, "attempt": attempt, "agent": COORDINATOR, "started_at": started_at})

    def _node(self, path: str) -> NodeState:
        node = self._nodes.get(path)
        if node is None:
            node = self._nodes[path] = self._transaction.node_states([path])[path]
        return node

    def _note(self, path: str, step: Step) -> None:
        known = self._nodes.get(path)
        status = "open" if step.outcome is None else step.outcome.status
        node = NodeState(path, status, step.state, self._now if known is None else known.started_at)
        self._nodes[path] = node
        if isinstance(step.outcome, Succeeded):
            self._outputs[path] = step.outcome.output
        position = self._frame.machine(parent_id(path)).position(key_of(path))
        self._journal.note(self._frame.node(path), node, position, step.outcome)

    def _end_owner(self, outcome: AnyOutcome) -> None:
        outcome = self._timely(self._bounded(outcome))
        started_at = self._owner.started_at or self._now
        self._end_row(self._owner.id, outcome, attempt=self._owner.attempt, started_at=started_at)
        if not isinstance(outcome, Succeeded):
            self._journal.stopped.append(self._owner.id)
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
        """Make what has happened so far visible to reads of this transaction."""
        stopped = self._journal.write(self._transaction)
        self.effects.stopped |= dict.fromkeys(stopped, self._owner.replays)


def _refused(error: InvalidInput, task: str = "") -> Failed:
    return Failed(
        error=ErrorInfo(code=error.code, message=error.message, pointer=error.pointer, task=task, permanent=True)
    )


def _is_stale(result: Result, state: TaskState) -> bool:
    """Whether the task was opened again, or tried again, since."""
    return (result.replay or 0, result.attempt) < (state.replays, state.attempt)
