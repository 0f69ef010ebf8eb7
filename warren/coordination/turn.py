"""One transaction's worth of carrying out plans: outcomes go in, ledger events and things to send come out.

The work of a turn is a list of nodes that have heard from children. The deepest goes first, because what a node does
with its children's outcomes may be an outcome for its parent, up to the owner of the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from warren.coordination.closing import closed, refused
from warren.coordination.course import history_of
from warren.coordination.effects import Effects, Ended
from warren.coordination.frame import Frame, Frames
from warren.coordination.journal import Journal, outcome_row
from warren.coordination.obstacles import obstacles
from warren.coordination.plan_state import PlanState
from warren.coordination.planning import PlannedLeaf, Planner
from warren.errors import InvalidInput
from warren.ids import child_id, depth_of, is_within, key_of, parent_id
from warren.ledger.event import Started
from warren.ledger.lost import outcomes
from warren.ledger.transaction import Owner, TaskState, Transaction
from warren.messages.codec import from_json
from warren.messages.outcome import Succeeded
from warren.messages.result import Result
from warren.messages.written import AnyEnd, Success, Written
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.expression import Scope
from warren.patterns.machine import Machine, Settled, Step
from warren.patterns.node import Node

COORDINATOR = "coordinator"


class Turn:
    """One owner's plan, moved on inside one transaction."""

    def __init__(self, transaction: Transaction, frames: Frames, owner: Owner, *, now: float, limit_bytes: int) -> None:
        self._transaction = transaction
        self._owner = owner
        self._now = now
        self._limit_bytes = limit_bytes
        self._frame = frames.take(owner.id, lambda: self._load(frames))
        self._heard: dict[str, list[Settled]] = {}
        self._planner = Planner(owner, now=now, limit_bytes=limit_bytes)
        self._journal = Journal(owner.id, now)
        self._state = self._frame.reader = PlanState(transaction, self._journal, now=now, limit_bytes=limit_bytes)
        self.effects = Effects()

    def begin(self) -> Effects:
        """Start the owner's plan."""
        self._transaction.append(Started(self._owner.id, self._now))
        self.effects.begun.append(self._owner)
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
            if state.status == "open" and not result.kept:
                self._take(result, state)
            elif state.kind == "assignment" and state.status == result.outcome.status:
                self._learn(result.id, self._found(result) if result.kept else result.outcome)
        self._state.load(self._heard)
        return self._carry_on()

    def obstacles(self, heard: Mapping[str, Collection[str]], opened: Collection[str]) -> dict[str, InvalidInput]:
        """Why some children cannot be opened again, as `obstacles` says. Changes nothing."""
        found = obstacles(self._transaction, self._frame, heard, opened)
        self._frame.reader = None
        return found

    def reopen(self, opened: Mapping[str, Collection[str]]) -> Effects:
        """Go on with nodes that the ledger has opened again, by path; each with the keys of children opened with it.

        What else a node waits for may have ended while nobody listened.
        """
        self._state.read(opened)
        waiting: dict[str, str] = {}
        for path, keys in sorted(opened.items(), key=lambda item: depth_of(item[0])):
            machine, node = self._frame.machine(path), self._state.node(path)
            state = machine.reopen(node.state, sorted(keys))
            self._state.put(replace(node, state=state))
            self._heard[path] = []
            waiting |= {child_id(path, key): path for key in machine.waiting(state)}
        for child, outcome in outcomes(self._transaction, sorted(waiting)).items():
            self._hear(child, outcome)
        return self._carry_on()

    def finish(self, outcome: AnyEnd) -> Effects:
        """End the owner itself, whatever its plan was doing: cancelled, or past its deadline."""
        self._end_owner(outcome)
        return self._carry_on()

    def _load(self, frames: Frames) -> Frame:
        plan, data = self._transaction.plan_and_input(self._owner.id)
        return Frame(self._owner.id, frames.plan(plan), from_json(data), len(data))

    def _take(self, result: Result, state: TaskState) -> None:
        row = outcome_row(result.id, result.outcome, result.ended_s)
        row.update(attempt=result.attempt, agent=result.agent, started_at=result.started_s)
        row["history"] = history_of(result)
        self._journal.settled.append(row)
        self.effects.settled.append((result, state))
        if self._owner.trace is not None:
            self.effects.traces[self._owner.id] = self._owner.trace
        ran = isinstance(result.outcome, Succeeded)
        if ran and state.team is not None and state.skill is not None:
            self.effects.took.append(((state.team, state.skill), result.ended_s - result.started_s))
        self._learn(result.id, Written(row["output"]) if ran else result.outcome)
        if state.kind == "assignment" and not ran:
            self._journal.stopped.append(result.id)

    def _found(self, result: Result) -> Written:
        """What was too large for the result is in the row that the assignment's lead has written."""
        return Written(self._transaction.output_text(result.id))

    def _learn(self, child: str, outcome: AnyEnd) -> None:
        """Tell the plan. An assignment's row was written by its lead already; machines know what they have heard."""
        self._hear(child, outcome)
        if isinstance(outcome, Success):
            self._state.came_to(child, outcome)

    def _hear(self, child: str, outcome: AnyEnd) -> None:
        self._heard.setdefault(parent_id(child), []).append(Settled(key_of(child), outcome))

    def _carry_on(self) -> Effects:
        while self._heard:
            path = max(self._heard, key=depth_of)
            self._advance(path, self._heard.pop(path))
        self._state.write()
        self._frame.reader = None
        self.effects.stopped |= dict.fromkeys(self._state.stopped, self._owner.replays)
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
        node = self._state.node(path)
        if node.status != "open":
            return
        try:
            step = self._frame.machine(path).advance(node.state, settled)
        except InvalidInput as error:
            step = Step(node.state, cancel_rest=True, outcome=refused(error))
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
        outcome = refused(error, child)
        if not isinstance(node, Call | Delegate):
            self._follow(child, Step({}, outcome=outcome))
            return
        self._write_down(self._planner.refused(child, node, position))
        self._end_row(child, outcome, attempt=1, started_at=self._now)
        self._hear(child, outcome)

    def _end_row(self, task_id: str, outcome: AnyEnd, *, attempt: int, started_at: float) -> None:
        row = outcome_row(task_id, outcome, self._now)
        self._journal.settled.append({**row, "attempt": attempt, "agent": COORDINATOR, "started_at": started_at})

    def _note(self, path: str, step: Step) -> None:
        node = self._state.moved(path, step.state, step.outcome)
        position = self._frame.machine(parent_id(path)).position(key_of(path))
        self._journal.note(self._frame.node(path), node, position, step.outcome)

    def _end_owner(self, outcome: AnyEnd) -> None:
        outcome = closed(self._owner, outcome, now=self._now, limit_bytes=self._limit_bytes)
        started_at = self._owner.started_at or self._now
        self._end_row(self._owner.id, outcome, attempt=self._owner.attempt, started_at=started_at)
        if not isinstance(outcome, Success):
            self._journal.stopped.append(self._owner.id)
        self._heard.clear()
        self.effects.ended.append(Ended(self._owner, outcome, self._now))


def _is_stale(result: Result, state: TaskState) -> bool:
    """Whether the task was opened again, or tried again, since."""
    return (result.replay or 0, result.attempt) < (state.replays, state.attempt)
