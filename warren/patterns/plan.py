"""A plan as a whole: from plain data and back."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from warren.errors import InvalidInput
from warren.messages.codec import pointer
from warren.messages.message import JsonObject
from warren.patterns.call import Call
from warren.patterns.complaint import in_words
from warren.patterns.delegate import Delegate
from warren.patterns.map import Map
from warren.patterns.node import Node
from warren.patterns.parallel import Parallel
from warren.patterns.sequence import Sequence

AnyNode = Annotated[Call | Sequence | Parallel | Map | Delegate, Field(discriminator="kind")]

for _node in (Sequence, Parallel, Map, Delegate):
    _node.model_rebuild(_types_namespace={"AnyNode": AnyNode})

_TAGS: Final = frozenset({"call", "sequence", "parallel", "map", "delegate"})

_ADAPTER: Final[TypeAdapter[Node]] = TypeAdapter(AnyNode)


def parse_plan(data: Any, at: str = "/plan") -> Node:
    """The plan in plain data. Raises InvalidInput with code `plan_invalid`."""
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = at + pointer(
            tuple(step for step in problem["loc"] if step not in _TAGS and not str(step).startswith("literal["))
        )
        raise InvalidInput("plan_invalid", f"the plan cannot be used: {in_words(problem)}", pointer=where) from None
    except RecursionError:
        raise InvalidInput("plan_invalid", "the plan is nested too deeply", pointer=at) from None


def dump_plan(node: Node) -> JsonObject:
    """The plan as plain data, what is not set left out."""
    return node.model_dump(mode="json", exclude_none=True)
