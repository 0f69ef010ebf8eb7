"""Named branches at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Many
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeVar

from pydantic import Field, model_validator

from warren.messages.codec import to_json
from warren.messages.message import JsonObject, Token
from warren.messages.outcome import ErrorInfo, Failed, Succeeded
from warren.messages.written import AnyEnd, Success, Written, object_text
from warren.patterns.expression import Scope, Template, compiled
from warren.patterns.failures import summary
from warren.patterns.machine import SEEN, Machine, Outputs, Settled, Step
from warren.patterns.node import Node
from warren.patterns.objects import as_object

if TYPE_CHECKING:
    from warren.patterns.plan import AnyNode


V = TypeVar("V")

ERRORS: Final = "errors"


class Parallel(Node):
    """All branches at once; the output is {branch: output}, or `output` over that as `results`.

    With `on_error: continue` a branch that ends badly is listed under `errors` instead of ending the node.
    """

    kind: Literal["parallel"] = "parallel"
    branches: Annotated[dict[Token, AnyNode], Field(min_length=1)]
    on_error: Literal["fail", "continue"] = "fail"
    output: Template | None = None

    @model_validator(mode="after")
    def _errors_have_a_place(self) -> Self:
        if self.on_error == "continue" and ERRORS in self.branches:
            raise ValueError(f"with on_error: continue no branch may be called {ERRORS!r}: failures are listed there")
        return self

    def machine(self, scope: Scope, outputs: Outputs) -> Machine:
        return ParallelMachine(self, scope, outputs)

    def children(self) -> Iterator[tuple[str, Node]]:
        yield from self.branches.items()

    def with_children(self, change: Callable[[Node], Node]) -> Self:
        return self.model_copy(update={"branches": {name: change(child) for name, child in self.branches.items()}})


class ParallelMachine:
    """State: `open`, the branches that run, and `errors` by branch, of those that ended badly."""

    def __init__(self, node: Parallel, scope: Scope, outputs: Outputs) -> None:
        self._names = list(node.branches)
        self._branches = list(node.branches.values())
        self._fail_fast = node.on_error == "fail"
        self._output = None if node.output is None else compiled(node.output)
        self._scope = scope
        self._outputs = outputs

    def begin(self) -> Step:
        keys = [str(position) for position in range(len(self._branches))]
        return Step({"open": keys, "errors": {}}, start=keys)

    def advance(self, state: JsonObject, settled: Many[Settled]) -> Step:
        worst = None
        for child in settled:
            if child.key not in state["open"]:
                continue
            state["open"].remove(child.key)
            if not isinstance(child.outcome, Success):
                worst = worst or child.outcome
                state["errors"][self._names[int(child.key)]] = summary(child.outcome)
        if self._fail_fast and state["errors"]:
            return Step(state, cancel_rest=True, outcome=worst or self._known_failure(state["errors"]))
        return Step(state, outcome=None if state["open"] else self._finish(state["errors"]))

    def reopen(self, state: JsonObject, keys: Many[str]) -> JsonObject:
        again = {self._names[int(key)] for key in keys}
        errors = {name: error for name, error in state["errors"].items() if name not in again}
        return {**state, "open": sorted({*state["open"], *keys}, key=int), "errors": errors}

    def waiting(self, state: JsonObject) -> Many[str]:
        return list(state["open"])

    def child(self, key: str) -> Node:
        return self._branches[int(key)]

    def scope(self, key: str) -> Scope:
        del key
        return self._scope

    def position(self, key: str) -> int:
        return int(key)

    @staticmethod
    def _known_failure(errors: JsonObject) -> Failed:
        name, error = next(iter(errors.items()))
        return Failed(error=ErrorInfo(code=error["code"], message=f"branch {name}: {error['message']}"))

    def _finish(self, errors: JsonObject) -> AnyEnd:
        errors = self._in_order(errors)
        if self._output is None:
            return self._together(errors)
        outputs = self._in_order({self._names[int(key)]: output for key, output in self._outputs.all(SEEN)})
        seen = {**self._scope, "results": {**self._scope.get("results", {}), **outputs}, ERRORS: errors}
        return Succeeded(output=as_object(self._output(seen), "the output of parallel"))

    def _together(self, errors: JsonObject) -> Written:
        """All outputs by branch; errors last, unless a branch is called so."""
        texts = self._in_order({self._names[int(key)]: text for key, text in self._outputs.texts(1)})
        if errors:
            texts[ERRORS] = to_json(errors)
        return Written(object_text(texts))

    def _in_order(self, by_name: Mapping[str, V]) -> dict[str, V]:
        return {name: by_name[name] for name in self._names if name in by_name}
