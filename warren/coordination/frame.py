"""A plan in memory: its machines, made when they are needed and made again after a crash."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from warren.ids import child_id, is_within, key_of, parent_id
from warren.messages.codec import from_json
from warren.messages.message import JsonObject
from warren.patterns.expression import Scope
from warren.patterns.machine import Machine, Settled, Step
from warren.patterns.node import Node
from warren.patterns.plan import parse_plan

ROOT_KEY: Final = "0"
MAX_INPUT_CHARS: Final = 4 * 1024 * 1024
"""Of what all frames that are kept have been given to read; as values it takes some ten times as much."""
MAX_KEPT_CHARS: Final = 64 * 1024
"""Of a plan's text; longer ones are read anew for each owner."""


class Reader(Protocol):
    """How machines read the outputs of tasks and nodes by id."""

    def output_text(self, child: str) -> str:
        """The output as JSON text. Raises KeyError if there is none."""

    def output_texts(self, parent: str, limit_bytes: int | None = None) -> Iterator[tuple[str, str]]:
        """(id, output as JSON text) of all children, in their order. Raises MessageTooLarge."""

    @property
    def limit_bytes(self) -> int:
        """What one message may hold."""


class RootMachine:
    """The owner of a plan seen as a node with one child, so that nothing is special about a plan's root."""

    def __init__(self, plan: Node, data: JsonObject) -> None:
        self._plan = plan
        self._scope: Scope = {"input": data}

    def begin(self) -> Step:
        return Step({}, start=[ROOT_KEY])

    def advance(self, state: JsonObject, settled: Sequence[Settled]) -> Step:
        return Step(state, outcome=settled[0].outcome)

    def reopen(self, state: JsonObject, keys: Sequence[str]) -> JsonObject:
        del keys
        return state

    def waiting(self, state: JsonObject) -> Sequence[str]:
        del state
        return [ROOT_KEY]

    def child(self, key: str) -> Node:
        del key
        return self._plan

    def scope(self, key: str) -> Scope:
        del key
        return self._scope

    def position(self, key: str) -> int:
        return int(key)


class Frame:
    """One owner's plan. Machines hold only what follows from the plan, its input and outputs that cannot change."""

    def __init__(self, owner: str, plan: Node, data: JsonObject, length: int = 0) -> None:
        """`length` is that of the input's text: what the frame holds in memory is many times as much."""
        self.owner = owner
        self.length = length
        """Of the input's text and of those of the outputs that nodes work with."""
        self.reader: Reader | None = None
        self._machines: dict[str, Machine] = {owner: RootMachine(plan, data)}
        self._children: dict[str, _Children] = {}

    def machine(self, path: str) -> Machine:
        """The machine of the node at `path`. Raises InvalidInput if the node cannot work with its scope."""
        machine = self._machines.get(path)
        if machine is None:
            parent, key = self.machine(parent_id(path)), key_of(path)
            children = _Children(self, path)
            machine = parent.child(key).machine(parent.scope(key), children)
            self._machines[path], self._children[path] = machine, children
        return machine

    def node(self, path: str) -> Node:
        return self.machine(parent_id(path)).child(key_of(path))

    def forget(self, path: str) -> None:
        """Drop the machine of a node that has ended."""
        if path != self.owner and self._machines.pop(path, None) is not None:
            self.length -= sum(self._children.pop(path).lengths.values())

    def forget_below(self, path: str) -> None:
        """Drop the machines of nodes that were stopped with the one at `path`."""
        for below in [each for each in self._machines if each != path and is_within(each, path)]:
            self.forget(below)


class _Children:
    """The outputs of one node's children, read through whatever transaction the frame is lent to."""

    def __init__(self, frame: Frame, path: str) -> None:
        self.lengths: dict[str, int] = {}
        """Of those that were asked for by key: they are part of what the nodes below work with."""
        self._frame = frame
        self._path = path

    def of(self, key: str) -> JsonObject:
        text = self._reader.output_text(child_id(self._path, key))
        self._frame.length += len(text) - self.lengths.get(key, 0)
        self.lengths[key] = len(text)
        output: JsonObject = from_json(text)
        return output

    def all(self, messages: int | None = None) -> Iterator[tuple[str, JsonObject]]:
        for key, text in self.texts(messages):
            yield key, from_json(text)

    def texts(self, messages: int | None) -> Iterator[tuple[str, str]]:
        limit_bytes = None if messages is None else messages * self.limit_bytes
        for child, text in self._reader.output_texts(self._path, limit_bytes):
            yield key_of(child), text

    @property
    def limit_bytes(self) -> int:
        return self._reader.limit_bytes

    @property
    def _reader(self) -> Reader:
        assert self._frame.reader is not None, "outputs are read inside a transaction"
        return self._frame.reader


class Frames:
    """The most recently used frames, as many as there is room for; any of them can be dropped at any time.

    A transaction takes a frame out and it is kept again once the transaction is durable: what a frame has seen of
    a transaction that was rolled back is never seen by another.
    """

    def __init__(self, capacity: int = 64, room: int = MAX_INPUT_CHARS) -> None:
        """`room` is for their lengths together; the last one is kept however long it is."""
        self._capacity = capacity
        self._room = room
        self._frames: OrderedDict[str, Frame] = OrderedDict()
        self._plans: OrderedDict[str, Node] = OrderedDict()

    def take(self, owner: str, make: Callable[[], Frame]) -> Frame:
        return self._frames.pop(owner, None) or make()

    def plan(self, text: str) -> Node:
        """The plan in JSON text; owners that follow the same one share it."""
        found = self._plans.pop(text, None) or parse_plan(from_json(text))
        if len(text) <= MAX_KEPT_CHARS:
            self._plans[text] = found
        if len(self._plans) > self._capacity:
            self._plans.popitem(last=False)
        return found

    def keep(self, frame: Frame) -> None:
        self._frames[frame.owner] = frame
        self._frames.move_to_end(frame.owner)
        while len(self._frames) > 1 and (len(self._frames) > self._capacity or self._length() > self._room):
            self._frames.popitem(last=False)

    def _length(self) -> int:
        return sum(frame.length for frame in self._frames.values())
