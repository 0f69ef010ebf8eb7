"""A plan as a whole: from plain data and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from warren.errors import InvalidInput
from warren.messages.codec import pointer
from warren.messages.message import JsonObject
from warren.patterns.call import Call
from warren.patterns.complaint import in_words, worst
from warren.patterns.delegate import Delegate
from warren.patterns.map import Map
from warren.patterns.node import Node
from warren.patterns.parallel import Parallel
from warren.patterns.sequence import Sequence

AnyNode = Annotated[Call | Sequence | Parallel | Map | Delegate, Field(discriminator="kind")]

for _node in (Sequence, Parallel, Map, Delegate):
    _node.model_rebuild(_types_namespace={"AnyNode": AnyNode})

NODES: Final[Mapping[str, type[Node]]] = {
    "call": Call,
    "sequence": Sequence,
    "parallel": Parallel,
    "map": Map,
    "delegate": Delegate,
}

_ADAPTER: Final[TypeAdapter[Node]] = TypeAdapter(AnyNode)


def parse_plan(data: Any, at: str = "/plan") -> Node:
    """The plan in plain data. Raises InvalidInput with code `plan_invalid`."""
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        problem = worst(error.errors(include_url=False))
        where = at + pointer(tuple(step for step in problem["loc"] if not _is_of_type(step)))
        words = in_words(problem, _known(problem["loc"]))
        raise InvalidInput("plan_invalid", f"the plan cannot be used: {words}", pointer=where) from None
    except RecursionError:
        raise InvalidInput("plan_invalid", "the plan is nested too deeply", pointer=at) from None


def _known(place: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys of the node at a place, which names the kinds of the nodes on the way there."""
    kinds = [str(step) for step in place if step in NODES]
    return tuple(NODES[kinds[-1]].model_fields) if kinds else ()


def _is_of_type(step: int | str) -> bool:
    """Whether a step on pydantic's way to a problem is one of ours, and not in the plan."""
    return step in NODES or str(step).startswith(("literal[", "constrained-"))


def dump_plan(node: Node) -> JsonObject:
    """The plan as plain data, what is not set left out."""
    return node.model_dump(mode="json", exclude_none=True)
