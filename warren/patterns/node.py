"""What every node of a plan is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Self

from pydantic import BaseModel, ConfigDict

from warren.patterns.expression import Scope
from warren.patterns.machine import Machine, Outputs


class Node(BaseModel, ABC):
    """One node: data that came from a playbook, and the machine that carries it out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @abstractmethod
    def machine(self, scope: Scope, outputs: Outputs) -> Machine:
        """The machine for this node. Raises InvalidInput if the scope has not what the node needs."""

    def children(self) -> Iterator[tuple[str, Node]]:
        """(name, node) of everything below, for whoever checks or draws a plan."""
        yield from ()

    def with_children(self, change: Callable[[Node], Node]) -> Self:
        """The same node over changed children."""
        del change
        return self


class Leaf(Node, ABC):
    """A node that somebody else carries out: a worker, or another coordinator."""

    def machine(self, scope: Scope, outputs: Outputs) -> Machine:
        del scope, outputs
        raise TypeError(f"a {type(self).__name__} is carried out elsewhere and has no machine")
