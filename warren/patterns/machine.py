"""The contract between a pattern and the engine that carries it out.

A machine has no I/O, no clock and no randomness. The engine makes one for a node of a plan, from the node's scope
and a way to read its children's outputs; it may be thrown away at any time and made again from the same inputs. All
that changes is in the state, a small JSON object that the engine keeps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from warren.messages.message import JsonObject
from warren.messages.written import AnyEnd
from warren.patterns.expression import Scope

if TYPE_CHECKING:
    from warren.patterns.node import Node


@dataclass(frozen=True, slots=True)
class Settled:
    """A child that has ended."""

    key: str
    outcome: AnyEnd


@dataclass(slots=True)
class Step:
    """What a machine wants done: children to start, whether to stop the others, and its own end if it has come."""

    state: JsonObject
    start: Sequence[str] = ()
    cancel_rest: bool = False
    outcome: AnyEnd | None = None
    notes: list[JsonObject] = field(default_factory=list)


SEEN: Final = 4
"""How many of the largest messages an expression may see at once: it may choose a little of much."""


class Outputs(Protocol):
    """The outputs of a node's children that have succeeded, as the ledger holds them."""

    @property
    def limit_bytes(self) -> int:
        """What one message may hold."""

    def of(self, key: str) -> JsonObject:
        """One child's output. Raises KeyError if it has none."""

    def all(self, messages: int | None = None) -> Iterator[tuple[str, JsonObject]]:
        """(key, output) of all of them, in the children's order, read as they are asked for.

        Whoever keeps them says how many `messages` they may fill. Raises MessageTooLarge, before it reads any.
        """

    def texts(self, messages: int) -> Iterator[tuple[str, str]]:
        """The same as JSON text, for whoever only passes them on."""


class Machine(Protocol):
    """A node of a plan at work. The same outcomes in any order, repeated or not, lead to the same end."""

    def begin(self) -> Step:
        """The first step."""

    def advance(self, state: JsonObject, settled: Sequence[Settled]) -> Step:
        """The next step, after some children have ended. `state` may be changed in place and returned."""

    def reopen(self, state: JsonObject, keys: Sequence[str]) -> JsonObject:
        """The state with these children at work again, which had ended badly, as if they had not.

        Whoever asks for it advances then by what the others that it waits for have come to: the node goes on, or ends
        again because of them.
        """

    def waiting(self, state: JsonObject) -> Sequence[str]:
        """The children that have started and of which no end is known."""

    def child(self, key: str) -> Node:
        """The plan of that child."""

    def scope(self, key: str) -> Scope:
        """What that child's expressions see."""

    def position(self, key: str) -> int:
        """Where the child stands among its siblings."""
