"""What can be made of many outputs without calling a skill: coordinators never run user code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, assert_never

from warren.messages.codec import from_json, to_json
from warren.messages.message import JsonObject

Reducer = Literal["collect", "count", "merge", "sum", "majority"]


def reduced(reducer: Reducer, outputs: Iterable[JsonObject], *, count: int) -> JsonObject:
    """One object out of many, which come in the order of their items; `count` is how many items there were."""
    match reducer:
        case "collect":
            return {"items": list(outputs)}
        case "count":
            return {"count": count}
        case "merge":
            return {name: value for output in outputs for name, value in output.items()}
        case "sum":
            return _summed(outputs)
        case "majority":
            return _majority(outputs)
        case _:
            assert_never(reducer)


def _summed(outputs: Iterable[JsonObject]) -> JsonObject:
    """Each numeric field, added up; what is not a number is left out."""
    totals: dict[str, float] = {}
    for output in outputs:
        for name, value in output.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                totals[name] = totals.get(name, 0) + value
    return totals


def _majority(outputs: Iterable[JsonObject]) -> JsonObject:
    """The output that most agree on; of equals, the one that came first."""
    votes = Counter(to_json(dict(sorted(output.items()))) for output in outputs)
    if not votes:
        return {"value": None, "votes": 0, "of": 0}
    winner, count = votes.most_common(1)[0]
    return {"value": from_json(winner), "votes": count, "of": votes.total()}
