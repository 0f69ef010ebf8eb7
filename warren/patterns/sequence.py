"""One step after the other; each sees the results of those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Many
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from warren.errors import MessageTooLarge
from warren.messages.codec import to_json
from warren.messages.message import JsonObject, Token
from warren.messages.outcome import Succeeded
from warren.messages.written import AnyEnd, Success
from warren.patterns.expression import Scope, Template, compiled
from warren.patterns.machine import SEEN, Machine, Outputs, Settled, Step
from warren.patterns.node import Node
from warren.patterns.objects import as_object

if TYPE_CHECKING:
    from warren.patterns.plan import AnyNode


class Sequence(Node):
    """Steps in their order. The output is `output` over `results`, or else the last step's."""

    kind: Literal["sequence"] = "sequence"
    steps: Annotated[dict[Token, AnyNode], Field(min_length=1)]
    output: Template | None = None

    def machine(self, scope: Scope, outputs: Outputs) -> Machine:
        return SequenceMachine(self, scope, outputs)

    def children(self) -> Iterator[tuple[str, Node]]:
        yield from self.steps.items()

    def with_children(self, change: Callable[[Node], Node]) -> Self:
        return self.model_copy(update={"steps": {name: change(child) for name, child in self.steps.items()}})


class SequenceMachine:
    """State: `at`, the step that is running."""

    def __init__(self, node: Sequence, scope: Scope, outputs: Outputs) -> None:
        self._names = list(node.steps)
        self._steps = list(node.steps.values())
        self._output = None if node.output is None else compiled(node.output)
        self._scope = scope
        self._outputs = outputs

    def begin(self) -> Step:
        return Step({"at": 0}, start=["0"])

    def advance(self, state: JsonObject, settled: Many[Settled]) -> Step:
        current = next((child for child in settled if child.key == str(state["at"])), None)
        if current is None:
            return Step(state)
        if not isinstance(current.outcome, Success):
            return Step(state, outcome=current.outcome)
        following = state["at"] + 1
        if following < len(self._steps):
            return Step({"at": following}, start=[str(following)])
        return Step({"at": following}, outcome=self._finish(current.outcome))

    def reopen(self, state: JsonObject, keys: Many[str]) -> JsonObject:
        del keys  # it ended at the step that failed, and never went beyond
        return state

    def waiting(self, state: JsonObject) -> Many[str]:
        return [str(state["at"])] if state["at"] < len(self._steps) else ()

    def child(self, key: str) -> Node:
        return self._steps[int(key)]

    def scope(self, key: str) -> Scope:
        return {**self._scope, "results": self._results(int(key))}

    def position(self, key: str) -> int:
        return int(key)

    def _results(self, before: int) -> dict[str, Any]:
        """Raises MessageTooLarge. A few steps cannot give too much, so only many are measured."""
        results, size = dict(self._scope.get("results", {})), 0
        limit_bytes = SEEN * self._outputs.limit_bytes
        for step in range(before):
            results[self._names[step]] = output = self._outputs.of(str(step))
            size += len(to_json(output)) if before > SEEN else 0
            if size > limit_bytes:
                raise MessageTooLarge(size, limit_bytes)
        return results

    def _finish(self, last: Success) -> AnyEnd:
        if self._output is None:
            return last
        value = self._output({**self._scope, "results": self._results(len(self._steps))})
        return Succeeded(output=as_object(value, "the sequence's output"))
