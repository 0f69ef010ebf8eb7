"""The same plan for every item of a list, a window of them at a time, and one value made of the outputs."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Many
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field

from warren.errors import InvalidInput
from warren.messages.failure_words import in_words
from warren.messages.message import JsonObject
from warren.messages.outcome import ErrorInfo, Failed
from warren.messages.written import Success
from warren.patterns.expression import Expression, Scope, compiled
from warren.patterns.failures import summary
from warren.patterns.machine import SEEN, Machine, Outputs, Settled, Step
from warren.patterns.node import Node
from warren.patterns.reducers import Reducer, reduced

if TYPE_CHECKING:
    from warren.patterns.plan import AnyNode

REDUCE_KEY = "reduce"
MAX_LISTED_FAILURES = 100
IN_JSON: Final = {
    type(None): "null",
    dict: "an object",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


class Map(Node):
    """Run `do` for each of `items`, at most `window` at the same time.

    With `chunk: n`, `item` is a list of up to n items. `reduce` is a reducer's name, or a node that sees the outputs
    as `results.items`. Up to `tolerate` items may end badly (or all of them); they are listed under `failed`.
    """

    kind: Literal["map"] = "map"
    items: Expression
    do: AnyNode
    window: int = Field(default=1000, ge=1)
    chunk: int | None = Field(default=None, ge=1)
    reduce: Reducer | AnyNode = "collect"
    tolerate: Annotated[int, Field(ge=0)] | Literal["all"] = 0

    def machine(self, scope: Scope, outputs: Outputs) -> Machine:
        return MapMachine(self, scope, outputs)

    def children(self) -> Iterator[tuple[str, Node]]:
        yield "do", self.do
        if isinstance(self.reduce, Node):
            yield REDUCE_KEY, self.reduce

    def with_children(self, change: Callable[[Node], Node]) -> Self:
        reduce = change(self.reduce) if isinstance(self.reduce, Node) else self.reduce
        return self.model_copy(update={"do": change(self.do), "reduce": reduce})


class MapMachine:
    """State: `next` to start; `low`, below which all have ended but those in `again`; `above`, which ended beyond it;
    `failures` and `failed`, how many ended badly and the first of them.
    """

    def __init__(self, node: Map, scope: Scope, outputs: Outputs) -> None:
        self._node = node
        self._scope = scope
        self._outputs = outputs
        self._items = chunked(_listed(compiled(node.items)(scope), node.items), node.chunk)

    def begin(self) -> Step:
        return self._go_on({"next": 0, "low": 0, "above": [], "failures": 0, "failed": [], "total": len(self._items)})

    def advance(self, state: JsonObject, settled: Many[Settled]) -> Step:
        if state.get("reducing"):
            return self._reduced(state, settled)
        above, again = set(state["above"]), state.get("again", [])
        for child in settled:
            if child.key == REDUCE_KEY:
                continue
            index = int(child.key)
            if index in again:
                again.remove(index)
            elif index < state["low"] or index in above:
                continue
            else:
                above.add(index)
            if not isinstance(child.outcome, Success):
                self._note_failure(state, index, child)
        self._raise_low(state, above)
        if self._beyond_tolerance(state):
            return Step(state, cancel_rest=True, outcome=self._too_many(state))
        return self._go_on(state)

    def reopen(self, state: JsonObject, keys: Many[str]) -> JsonObject:
        """Raises InvalidInput for an item when the outputs of the others are being reduced already."""
        wanted = {int(key) for key in keys if key != REDUCE_KEY}
        if wanted and state.get("reducing"):
            raise InvalidInput("tolerated", "the map has gone on to its reduction without that item")
        again = set(state.get("again", ()))
        ended = {index for index in wanted - again if index < state["low"] or index in state["above"]}
        return {
            **state,
            "above": [index for index in state["above"] if index not in ended],
            "again": sorted(again | {index for index in ended if index < state["low"]}),
            "failures": state["failures"] - len(ended),
            "failed": [failure for failure in state["failed"] if failure["index"] not in ended],
        }

    def waiting(self, state: JsonObject) -> Many[str]:
        if state.get("reducing"):
            return [REDUCE_KEY]
        above = set(state["above"])
        begun = [index for index in range(state["low"], state["next"]) if index not in above]
        return [str(index) for index in [*state.get("again", ()), *begun]]

    def child(self, key: str) -> Node:
        if key == REDUCE_KEY:
            assert isinstance(self._node.reduce, Node)
            return self._node.reduce
        return self._node.do

    def scope(self, key: str) -> Scope:
        if key == REDUCE_KEY:
            outputs = [output for key, output in self._outputs.all(SEEN) if key != REDUCE_KEY]
            return {**self._scope, "results": {**self._scope.get("results", {}), "items": outputs}}
        return {**self._scope, "item": self._items[int(key)], "index": int(key)}

    def position(self, key: str) -> int:
        return len(self._items) if key == REDUCE_KEY else int(key)

    def _go_on(self, state: JsonObject) -> Step:
        ended = ended_items(state)
        if ended == len(self._items):
            return self._all_ended(state)
        first = state["next"]
        state["next"] = max(first, min(len(self._items), ended + self._node.window))
        return Step(state, start=[str(index) for index in range(first, state["next"])])

    def _all_ended(self, state: JsonObject) -> Step:
        if isinstance(self._node.reduce, Node):
            state["reducing"] = True
            return Step(state, start=[REDUCE_KEY])
        failed = {"failed": state["failed"], "failures": state["failures"]} if state["failures"] else {}
        return Step(state, outcome=reduced(self._node.reduce, self._outputs, count=len(self._items), failed=failed))

    def _reduced(self, state: JsonObject, settled: Many[Settled]) -> Step:
        return Step(state, outcome=next((child.outcome for child in settled if child.key == REDUCE_KEY), None))

    def _note_failure(self, state: JsonObject, index: int, child: Settled) -> None:
        state["failures"] += 1
        insort(state["failed"], {"index": index, **summary(child.outcome)}, key=itemgetter("index"))
        del state["failed"][MAX_LISTED_FAILURES:]

    def _beyond_tolerance(self, state: JsonObject) -> bool:
        return self._node.tolerate != "all" and state["failures"] > self._node.tolerate

    def _too_many(self, state: JsonObject) -> Failed:
        said = [f"item {first['index']} ended as {first['status']}: {_told(first)}" for first in state["failed"][:1]]
        if state["failures"] > 1:
            said.insert(0, f"{state['failures']} items ended badly")
        return Failed(error=ErrorInfo(code="map_failed", message="; ".join(said) or "an item ended badly"))

    @staticmethod
    def _raise_low(state: JsonObject, above: set[int]) -> None:
        low = state["low"]
        while low in above:
            above.discard(low)
            low += 1
        state["low"], state["above"] = low, sorted(above)


def ended_items(state: JsonObject) -> int:
    """How many items have ended, by the state of a map."""
    return int(state["low"] + len(state["above"]) - len(state.get("again", ())))


def chunked(items: list[Any], size: int | None) -> list[Any]:
    """The items in lists of `size`, or as they are."""
    if size is None:
        return items
    return [items[start : start + size] for start in range(0, len(items), size)]


def _listed(value: Any, expression: str) -> list[Any]:
    if isinstance(value, list):
        return value
    found = IN_JSON.get(type(value), type(value).__name__)
    raise InvalidInput("items_not_a_list", f"map needs a list, but {expression!r} gave {found}")


def _told(failure: JsonObject) -> str:
    """A task's failure with whose it was: of a map's own error nobody else knows."""
    if "skill" not in failure:
        return str(failure["message"])
    return in_words(ErrorInfo(**{name: value for name, value in failure.items() if name not in {"index", "status"}}))
