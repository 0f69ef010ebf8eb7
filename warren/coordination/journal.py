"""What a turn will have written: rows of the ledger, gathered, and appended as events in the order of their meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from warren.ids import parent_id
from warren.ledger.event import STOPPED_ERROR, LedgerEvent, NodesChanged, Planned, Row, Settled, Stopped
from warren.ledger.transaction import NodeState, Transaction
from warren.messages.codec import to_json
from warren.messages.outcome import Cancelled, Expired, Failed, Succeeded
from warren.messages.written import AnyEnd, Written, text_of
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.node import Node


@dataclass(slots=True)
class Journal:
    """One owner's rows that are not written yet."""

    owner: str
    now: float
    planned: dict[str, Row] = field(default_factory=dict)
    plans: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    changed: dict[str, Row] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def note(self, node: Node, state: NodeState, position: int, outcome: AnyEnd | None) -> None:
        """Where a node of the plan stands now."""
        output, error = (None, None) if outcome is None else texts(outcome)
        self.changed[state.path] = {
            "path": state.path,
            "owner": self.owner,
            "parent": parent_id(state.path),
            "position": position,
            "kind": kind_of(node),
            "name": name_of(node),
            "status": state.status,
            "state": to_json(state.state),
            "output": output,
            "error": error,
            "started_at": state.started_at,
            "ended_at": None if outcome is None else self.now,
        }

    def write(self, transaction: Transaction) -> list[str]:
        """Append what has happened so far, in the order in which a rebuild must see it. Gives what was stopped."""
        for path in self.stopped:
            transaction.lock_subtree(path)  # so that nobody plans anew below it meanwhile
        transaction.append(*self._events())
        transaction.flush()
        stopped = self.stopped
        self.planned, self.plans, self.settled, self.changed, self.stopped = {}, [], [], {}, []
        return stopped

    def _events(self) -> list[LedgerEvent]:
        happened: list[LedgerEvent] = []
        if self.planned:
            happened.append(Planned(self.owner, self.now, list(self.planned.values()), self.plans))
        if self.settled:
            happened.append(Settled(self.owner, self.now, self.settled))
        if self.changed:
            happened.append(NodesChanged(self.owner, self.now, list(self.changed.values())))
        return happened + [Stopped(path, self.now, "cancelled", STOPPED_ERROR) for path in self.stopped]


def outcome_row(task_id: str, outcome: AnyEnd, ended_s: float) -> Row:
    output, error = texts(outcome)
    return {"id": task_id, "status": outcome.status, "output": output, "error": error, "ended_at": ended_s}


def texts(outcome: AnyEnd) -> tuple[str | None, str | None]:
    """(output, error) as JSON text."""
    match outcome:
        case Succeeded() | Written():
            return text_of(outcome), None
        case Failed(error=error):
            return None, to_json(error.model_dump(exclude_defaults=True))
        case Cancelled(reason=reason) | Expired(reason=reason):
            return None, to_json({"code": outcome.status, "message": reason})
        case _:
            assert_never(outcome)


def kind_of(node: Node) -> str:
    return str(type(node).model_fields["kind"].default)


def name_of(node: Node) -> str:
    match node:
        case Call(skill=skill):
            return skill
        case Delegate(team=team):
            return team
        case _:
            return kind_of(node)


def size_bytes(text: str) -> int:
    """What a text comes to on the wire."""
    return len(text) if text.isascii() else len(text.encode())
