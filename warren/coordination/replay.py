"""Does again what was given up: opens it in the ledger with all that ended or was stopped with it, and sends it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from warren.coordination.case import Case
from warren.coordination.effects import Effects
from warren.coordination.journal import size_bytes
from warren.coordination.settlement import Carrier
from warren.coordination.turn import COORDINATOR
from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import is_within, project_of
from warren.ledger.event import Postponed, Reopened, Row
from warren.ledger.lost import Lost
from warren.ledger.transaction import Owner, Transaction
from warren.messages.codec import from_json, to_json
from warren.messages.command import Command
from warren.messages.reply import Refusal, Replayed
from warren.messages.unsayable import check_numbers
from warren.patterns.reopening import Reopening, reopening, revived

MAX_TRIED: Final = 32
"""Attempts that a task remembers; of more, the last."""


@dataclass(slots=True)
class Verdicts:
    """What becomes of each task that was asked for."""

    able: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)

    def refuse(self, task: str, code: str, message: str) -> None:
        self.refused[task] = Refusal(id=task, code=code, message=message)
        if task in self.able:
            self.able.remove(task)


class Replay:
    """One command to replay tasks of one project, in one transaction; the project's owners are locked."""

    def __init__(self, transaction: Transaction, carrier: Carrier, command: Command, now: float) -> None:
        """Raises InvalidInput for an input with a number that nobody could read."""
        self._transaction = transaction
        self._carrier = carrier
        self._command = command
        self._now = now
        self._attempts = {again.id: again.attempt for again in command.tasks}
        check_numbers(command.input, "/input")
        self._input = None if command.input is None else to_json(command.input)

    def carry_out(self, owners: dict[str, Owner]) -> tuple[Replayed, Effects]:
        """What was done, and what follows from it. Raises MessageTooLarge for an input that cannot be sent."""
        if self._input is not None and (size := size_bytes(self._input)) > self._carrier.limit_bytes:
            raise MessageTooLarge(size, self._carrier.limit_bytes)
        case = Case.of(self._transaction, self._command.project, list(self._attempts))
        verdicts = self._judge(case)
        plan, again = self._plan(case, verdicts, owners)
        effects = Effects()
        others: list[str] = []
        if plan.tasks:
            others = [each for each in again if each in case.tasks and each not in self._attempts]
            effects = self._open(case, plan, again)
        revived_count = sum(not case.has_begun(case.tasks[each]) for each in others)
        replays = case.tasks[self._command.project].replays
        answer = Replayed(
            replayed=plan.tasks,
            already=verdicts.already,
            refused=list(verdicts.refused.values()),
            revived=revived_count,
            replays=replays + bool(plan.tasks),
        )
        return answer, effects

    def _judge(self, case: Case) -> Verdicts:
        verdicts = Verdicts()
        for task, attempt in self._attempts.items():
            row = case.tasks.get(task)
            if row is None or project_of(task) != self._command.project or row.kind == "project":
                verdicts.refuse(task, "unknown_task", f"there is no task {task} in this project")
            elif row.status in {"open", "succeeded"} or row.attempt > (attempt or row.attempt):
                verdicts.already.append(task)
            elif (refusal := self._refusal(case, row)) is not None:
                verdicts.refused[task] = refusal
            else:
                verdicts.able.append(task)
        return verdicts

    def _refusal(self, case: Case, row: Lost) -> Refusal | None:
        """Why a task that was given up cannot be done again, as far as it can be told from itself."""
        known = self._project_refusal(case) or self._own_refusal(case, row)
        return None if known is None else Refusal(id=row.id, code=known[0], message=known[1])

    def _project_refusal(self, case: Case) -> tuple[str, str] | None:
        """Why nothing of the project can be done again. One that ended as its plan did is no hindrance."""
        project = case.tasks[self._command.project]
        match project.status:
            case "succeeded":
                return "project_ended", "its project has succeeded without it"
            case "cancelled" if case.ended_from_outside(project):
                return "project_cancelled", "its project was cancelled; submit a new one"
            case "expired" if self._command.timeout_s is None and _is_over(project.deadline_at, self._now):
                return "project_expired", "the deadline of its project has passed; give it more time with timeout_s"
            case _:
                return None

    def _own_refusal(self, case: Case, row: Lost) -> tuple[str, str] | None:
        if case.has_begun(row):
            if not row.was_stopped and not case.ended_from_outside(row):
                return "not_the_cause", f"it ended because of {case.why(row.id)}; replay that"
            if self._input is not None:
                return "has_begun", "its plan has begun with the input that it has, which cannot be replaced any more"
        if row.agent == COORDINATOR and row.kind == "task" and self._input is None:
            return "no_input", f"its input could not be made: {case.why(row.id)}; give it one"
        if self._command.timeout_s is None and _is_over(row.deadline_at, self._now) and not row.was_stopped:
            return "deadline_passed", "its deadline has passed; give it more time with timeout_s"
        return None

    def _plan(self, case: Case, verdicts: Verdicts, owners: dict[str, Owner]) -> tuple[Reopening, list[str]]:
        """What is opened again; tasks that this cannot help are refused, until nothing is in the way of the others."""
        places = case.places()
        while True:
            plan = reopening(verdicts.able, places)
            again = revived(case.stopped, {*plan.ended, *plan.tasks})
            for task, path in plan.past.items():
                verdicts.refuse(task, "tolerated", f"{path} has succeeded without it, and its plan has gone on")
            for task, path in plan.needs.items():
                words = f"it was stopped when {case.why(path)}; replay that, and this runs again with it"
                verdicts.refuse(task, "stopped", words)
            if not plan.tasks:
                return plan, again
            found = self._obstacles(case, plan, {*plan.ended, *plan.tasks, *again}, owners)
            for task in [*plan.tasks]:
                for path, error in found.items():
                    if is_within(task, path):
                        verdicts.refuse(task, error.code, _said(path, error))
            if not found:
                return plan, again

    def _obstacles(
        self, case: Case, plan: Reopening, opened: set[str], owners: dict[str, Owner]
    ) -> dict[str, InvalidInput]:
        if self._command.timeout_s is None:
            for path in plan.ended:
                if path in case.tasks and _is_over(case.tasks[path].deadline_at, self._now):
                    words = "the deadline of what it belongs to has passed; give it more time with timeout_s"
                    return {path: InvalidInput("deadline_passed", words)}
        found: dict[str, InvalidInput] = {}
        for owner, heard in _by_owner(case, plan.heard).items():
            found |= self._carrier.obstacles(self._transaction, owners[owner], heard, opened)
        return found

    def _open(self, case: Case, plan: Reopening, again: list[str]) -> Effects:
        above = sorted({owner for task in plan.tasks for owner in _owners_above(case, task)})
        replay = case.tasks[self._command.project].replays + 1
        others = [each for each in again if each in case.tasks and each not in plan.tasks]
        sent = self._in_time([self._row(case, case.tasks[each], replay) for each in (*plan.tasks, *others)])
        rows = [*sent, *(self._kept(case.tasks[owner], replay, plan) for owner in above)]
        nodes = sorted(path for path in {*plan.ended, *again} if path in case.nodes)
        self._transaction.append(Reopened(self._command.project, self._now, rows, nodes))
        self._transaction.flush()
        return self._go_on(case, plan, nodes)

    def _go_on(self, case: Case, plan: Reopening, nodes: list[str]) -> Effects:
        effects = Effects()
        opened = {path: plan.heard.get(path, set()) for path in sorted({*nodes, *plan.heard})}
        by_owner = _by_owner(case, opened)
        project = self._command.project
        locked = self._transaction.lock(sorted({*by_owner, project}))
        if project in plan.ended:
            effects.reopened.append(locked[project])
        for owner in (locked[each] for each in sorted(by_owner)):
            effects.add(self._carrier.reopen(self._transaction, owner, by_owner[owner.id], self._now))
        self._leave_to_others(effects)
        effects.wait(self._now)
        return effects

    def _leave_to_others(self, effects: Effects) -> None:
        """What the nodes have planned now is for those to send whose plans they are in: it is due at once."""
        for unsent in effects.unsent:
            self._transaction.append(Postponed(unsent.owner, self._now, [unsent.id], self._now))
        effects.unsent = []
        effects.ended = [ended for ended in effects.ended if ended.owner.kind == "project"]

    def _row(self, case: Case, row: Lost, replay: int) -> Row:
        """The new values of what was given up or stopped."""
        named = row.id in self._attempts
        attempt = max(row.attempt, self._attempts[row.id] or 0) + 1 if named else row.attempt
        goes_on = case.has_begun(row)
        values: Row = {
            "id": row.id,
            "attempt": attempt,
            "replays": replay,
            "deadline_at": self._deadline_at(row),
            "not_before_at": None,
            "started_at": row.started_at if goes_on else None,
            "dispatched_at": (row.dispatched_at or self._now) if goes_on else None,
            "history": _history(row) if named else row.history,
        }
        return {**values, "input": self._input} if named and self._input is not None else values

    def _kept(self, row: Lost, replay: int, plan: Reopening) -> Row:
        """The new values of a project or an assignment above: it goes on where it was."""
        deadline_at = row.deadline_at
        if deadline_at is not None and self._command.timeout_s is not None:
            deadline_at = max(deadline_at, self._now + self._command.timeout_s)
        return {
            "id": row.id,
            "attempt": row.attempt + (row.id in plan.ended),
            "replays": replay,
            "deadline_at": deadline_at,
            "not_before_at": row.not_before_at,
            "started_at": row.started_at,
            "dispatched_at": row.dispatched_at,
            "history": row.history,
        }

    def _deadline_at(self, row: Lost) -> float | None:
        """The time that was named; else what it has left. For what was stopped no time has passed since."""
        if row.deadline_at is None:
            return None
        if self._command.timeout_s is not None:
            return self._now + self._command.timeout_s
        if row.was_stopped and row.ended_at is not None and _is_over(row.deadline_at, self._now):
            return self._now + row.deadline_at - row.ended_at
        return row.deadline_at

    def _in_time(self, rows: list[Row]) -> list[Row]:
        """When each is due to be sent, by whoever coordinates it."""
        rate = self._command.rate
        for place, row in enumerate(row for row in rows if row["dispatched_at"] is None):
            row["not_before_at"] = self._now + (0.0 if rate is None else place / rate)
        return rows


def _by_owner(case: Case, paths: dict[str, set[str]]) -> dict[str, dict[str, set[str]]]:
    grouped: dict[str, dict[str, set[str]]] = {}
    for path, keys in paths.items():
        grouped.setdefault(case.owner_of(path), {})[path] = keys
    return grouped


def _owners_above(case: Case, task: str) -> Iterable[str]:
    owner = case.tasks[task].owner
    while owner is not None:
        yield owner
        owner = case.tasks[owner].owner


def _is_over(deadline_at: float | None, now: float) -> bool:
    return deadline_at is not None and deadline_at <= now


def _history(row: Lost) -> str | None:
    """The attempts so far, the last one included, as far as a worker has told of them."""
    known = [tried for tried in from_json(row.history or "[]") if "started_s" in tried]
    if row.agent is not None and row.agent != COORDINATOR and None not in (row.started_at, row.ended_at):
        error = from_json(row.error or "{}")
        course = {"attempt": row.attempt, "agent": row.agent, "started_s": row.started_at, "ended_s": row.ended_at}
        words = {"message": error.get("message", "")[:500], "type": error.get("type", "")[:200] or None}
        known.append({**course, "code": error.get("code", ""), **words})
    return to_json(known[-MAX_TRIED:]) if known else None


def _said(path: str, error: InvalidInput) -> str:
    if error.code != "others_failed":
        return error.message
    return f"{path} has failed because of others, too: {error.message}; replay them together with it"
