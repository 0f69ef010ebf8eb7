"""A replay that somebody asks for, as the ledger sees it: what was given up, what stands above it, what was stopped."""

from __future__ import annotations

from dataclasses import dataclass, field

from warren.ids import SEPARATOR, child_id, parent_id
from warren.ledger.lost import Lost, LostNode, lost, lost_nodes, stopped_below
from warren.ledger.transaction import Transaction
from warren.messages.codec import from_json
from warren.patterns.reopening import Place, Standing


@dataclass(slots=True)
class Case:
    """Rows by id, as they are before anything is opened again."""

    tasks: dict[str, Lost]
    nodes: dict[str, LostNode]
    stopped: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, transaction: Transaction, project: str, ids: list[str]) -> Case:
        """The tasks of these ids, all above them, and all of the project that was stopped."""
        stopped, stopped_nodes = stopped_below(transaction, project)
        wanted = sorted({each for task in ids for each in (*_upward(task), child_id(task, 0))})
        tasks = {**stopped, **lost(transaction, wanted)}
        nodes = {**stopped_nodes, **lost_nodes(transaction, wanted)}
        return cls(tasks, nodes, [*stopped, *stopped_nodes])

    def places(self) -> dict[str, Place]:
        """Where each of them stands."""
        places = {path: Place(_standing(node)) for path, node in self.nodes.items()}
        for each, row in self.tasks.items():
            places[each] = Place(_standing(row), is_owner=row.kind != "task")
        return places

    def has_begun(self, row: Lost) -> bool:
        """Whether it is an assignment whose plan is under way, so that nothing has to be sent for it to go on."""
        root = child_id(row.id, 0)
        return row.kind == "assignment" and (root in self.tasks or root in self.nodes)

    def ended_from_outside(self, owner: Lost) -> bool:
        """Whether a project or an assignment did not end by its plan: cancelled, past its deadline, or given up."""
        root = self.tasks.get(child_id(owner.id, 0)) or self.nodes.get(child_id(owner.id, 0))
        return root is None or root.was_stopped

    def why(self, path: str) -> str:
        """What is known of how it ended, in words."""
        row = self.tasks.get(path) or self.nodes[path]
        error = from_json(row.error or "{}")
        where = error.get("task") or path
        return f"{where} {row.status}: {error.get('message', '')}"

    def owner_of(self, path: str) -> str:
        """The project or assignment to whose plan a node belongs."""
        return self.nodes[path].owner


def _standing(row: Lost | LostNode) -> Standing:
    match row.status:
        case "open":
            return Standing.OPEN
        case "succeeded":
            return Standing.SUCCEEDED
        case _:
            return Standing.STOPPED if row.was_stopped else Standing.FAILED


def _upward(task: str) -> list[str]:
    path = [task]
    while SEPARATOR in path[-1]:
        path.append(parent_id(path[-1]))
    return path
