"""Where the nodes of one owner's plan stand during a turn, and the outputs that they and their children came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from warren.coordination.journal import Journal
from warren.ids import parent_id
from warren.ledger.transaction import NodeState, Transaction
from warren.messages.message import JsonObject
from warren.messages.written import AnyEnd, Success, text_of


class PlanState:
    """What the ledger says, and what the turn has made of it and not written yet."""

    def __init__(self, transaction: Transaction, journal: Journal, *, now: float, limit_bytes: int) -> None:
        self.stopped: list[str] = []
        """Paths below which nothing is wanted any more, as they are written."""
        self._transaction = transaction
        self._journal = journal
        self._now = now
        self._limit_bytes = limit_bytes
        self._nodes: dict[str, NodeState] = {}
        self._outputs: dict[str, Success] = {}

    def load(self, heard: Iterable[str]) -> None:
        """Read all nodes that may hear something, from these up to the plan's root, at once."""
        paths = set(heard)
        for path in list(paths):
            while (path := parent_id(path) if path != self._journal.owner else path) not in paths:
                paths.add(path)
        self.read(paths - {self._journal.owner})

    def read(self, paths: Iterable[str]) -> None:
        """Read these nodes at once."""
        self._nodes.update(self._transaction.node_states(sorted(paths)))

    def node(self, path: str) -> NodeState:
        node = self._nodes.get(path)
        if node is None:
            node = self._nodes[path] = self._transaction.node_states([path])[path]
        return node

    def put(self, node: NodeState) -> None:
        """A node has moved."""
        self._nodes[node.path] = node

    def moved(self, path: str, state: JsonObject, outcome: AnyEnd | None) -> NodeState:
        """A node has begun, moved or ended."""
        known = self._nodes.get(path)
        status = "open" if outcome is None else outcome.status
        node = self._nodes[path] = NodeState(path, status, state, self._now if known is None else known.started_at)
        if isinstance(outcome, Success):
            self.came_to(path, outcome)
        return node

    def came_to(self, child: str, success: Success) -> None:
        """A task, an assignment or a node has this output."""
        self._outputs[child] = success

    def output_text(self, child: str) -> str:
        """For the machines: an output, also one that this turn brought."""
        found = self._outputs.get(child)
        return self._transaction.output_text(child) if found is None else text_of(found)

    def output_texts(self, parent: str, limit_bytes: int | None = None) -> Iterator[tuple[str, str]]:
        self.write()
        return self._transaction.output_texts(parent, limit_bytes)

    @property
    def limit_bytes(self) -> int:
        """What one message may hold."""
        return self._limit_bytes

    def write(self) -> None:
        """Make what has happened so far visible to reads of this transaction."""
        self.stopped += self._journal.write(self._transaction)
