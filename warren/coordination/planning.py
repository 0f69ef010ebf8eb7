"""How the leaves of a plan become rows and messages: tasks for workers, assignments for other coordinators."""

from __future__ import annotations

from dataclasses import dataclass

from topology.names import DIRECTOR
from warren.coordination.carriage import is_exported
from warren.coordination.effects import earlier
from warren.coordination.journal import name_of, size_bytes
from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import parent_id
from warren.ledger.event import Row
from warren.ledger.outbox import Unsent
from warren.ledger.transaction import Owner
from warren.messages.codec import to_json
from warren.patterns.call import Call
from warren.patterns.delegate import Delegate
from warren.patterns.expression import Evaluator, Scope, compiled
from warren.patterns.objects import as_object
from warren.patterns.plan import dump_plan

ENVELOPE_BYTES = 320
"""What a message has around ids, input and plan: names of fields, numbers, the team and the skill."""


@dataclass(frozen=True, slots=True)
class PlannedLeaf:
    """A task or an assignment that is to be: its row, an assignment's plan row, and what is sent unless it waits."""

    task: Row
    plan: Row | None
    unsent: Unsent


class Planner:
    """Plans the leaves of one owner, within one turn."""

    def __init__(self, owner: Owner, *, now: float, limit_bytes: int) -> None:
        self._owner = owner
        self._now = now
        self._limit_bytes = limit_bytes
        self._evaluators: dict[int, Evaluator] = {}
        self._plan_texts: dict[int, str] = {}

    def leaf(self, child: str, node: Call | Delegate, scope: Scope, position: int) -> PlannedLeaf:
        """What a leaf becomes. Raises InvalidInput if it cannot be sent."""
        data = as_object(self._evaluator(node)(scope), f"the input of {name_of(node)}")
        row = self._task_row(child, node, position, self._not_before(node, scope))
        row["input"] = text = to_json(data)
        plan = self._plan_row(child, node)
        size = size_bytes(text) + size_bytes(plan["plan"] if plan else "") + len(child) + len(self._owner.id)
        if size + ENVELOPE_BYTES > self._limit_bytes:
            raise MessageTooLarge(size + ENVELOPE_BYTES, self._limit_bytes)
        return PlannedLeaf(row, plan, self._unsent(row, plan))

    def refused(self, child: str, node: Call | Delegate, position: int) -> PlannedLeaf:
        """The rows of a leaf that cannot even begin."""
        row = {**self._task_row(child, node, position), "input": "{}"}
        plan = self._plan_row(child, node)
        return PlannedLeaf(row, plan, self._unsent(row, plan))

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

    def _plan_row(self, child: str, node: Call | Delegate) -> Row | None:
        """What an assignment's lead will follow. It inherits the trace: its spans are exported with the project's."""
        if not isinstance(node, Delegate):
            return None
        trace = self._owner.trace
        inherited = {"report_to": self._owner.team or DIRECTOR, "trace": trace, "to_trace": is_exported(trace)}
        return {"id": child, "plan": self._plan_text(node), **inherited}

    def _plan_text(self, node: Delegate) -> str:
        text = self._plan_texts.get(id(node))
        if text is None:
            assert node.plan is not None, "playbooks are put in before a plan starts"
            text = self._plan_texts[id(node)] = to_json(dump_plan(node.plan))
        return text

    def _unsent(self, row: Row, plan: Row | None) -> Unsent:
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
            plan=plan["plan"] if plan else None,
            report_to=plan["report_to"] if plan else None,
            replay=row["replays"],
            trace=self._owner.trace,
        )

    def _evaluator(self, node: Call | Delegate) -> Evaluator:
        found = self._evaluators.get(id(node))
        if found is None:
            found = self._evaluators[id(node)] = compiled(node.input)
        return found
