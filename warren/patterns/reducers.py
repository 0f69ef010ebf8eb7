"""What can be made of many outputs without calling a skill: coordinators never run user code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from math import isfinite
from typing import Final, Literal, assert_never

from warren.errors import InvalidInput, MessageTooLarge
from warren.messages.codec import canonical, to_json
from warren.messages.message import JsonObject
from warren.messages.outcome import Succeeded
from warren.messages.written import Success, Written, object_text
from warren.patterns.machine import Outputs

MAX_NAME_CHARS: Final = 80
"""Of a field's name in an error's message."""

Reducer = Literal["collect", "count", "merge", "sum", "majority"]


def reduced(reducer: Reducer, outputs: Outputs, *, count: int, failed: JsonObject) -> Success:
    """One object out of many, which come in the order of their items; `count` is how many items there were.

    `failed` is put beside it: what there is to say of items that ended badly.

    What would be larger than a message is not even read to its end. Raises MessageTooLarge.
    """
    if reducer == "collect":
        return _collected(outputs, failed)
    return Succeeded(output={**_value(reducer, outputs, count), **failed})


def _value(reducer: Literal["count", "merge", "sum", "majority"], outputs: Outputs, count: int) -> JsonObject:
    match reducer:
        case "count":
            return {"count": count}
        case "merge":
            return _merged(outputs)
        case "sum":
            return _summed(outputs)
        case "majority":
            return _majority(outputs)
        case _:
            assert_never(reducer)


def _collected(outputs: Outputs, failed: JsonObject) -> Written:
    """All of them, as the text that they are: as values they would fill the memory of a coordinator."""
    items = ",".join(text for _, text in outputs.texts(1))
    return Written(object_text({"items": f"[{items}]", **{name: to_json(value) for name, value in failed.items()}}))


def _each(outputs: Outputs) -> Iterable[JsonObject]:
    return (output for _, output in outputs.all())


def _merged(outputs: Outputs) -> JsonObject:
    """All fields; of those with the same name, the last."""
    merged: JsonObject = {}
    sizes: dict[str, int] = {}
    total = 0
    for output in _each(outputs):
        for name, value in output.items():
            size = len(name) + len(to_json(value))
            total += size - sizes.get(name, 0)
            sizes[name], merged[name] = size, value
        if total > outputs.limit_bytes:
            raise MessageTooLarge(total, outputs.limit_bytes)
    return merged


def _summed(outputs: Outputs) -> JsonObject:
    """Each numeric field, added up; what is not a number is left out."""
    totals: dict[str, float] = {}
    size = 0
    for output in _each(outputs):
        for name, value in output.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                size += 0 if name in totals else len(name)
                totals[name] = _added(name, totals.get(name, 0), value)
        if size > outputs.limit_bytes:
            raise MessageTooLarge(size, outputs.limit_bytes)
    return totals


def _added(name: str, total: float, value: float) -> float:
    """Raises InvalidInput for a sum that JSON cannot say, or that nobody can read."""
    with suppress(OverflowError):
        if isfinite(added := total + value):
            return added
    raise InvalidInput("number_too_large", f"the sum of {name[:MAX_NAME_CHARS]!r} is beyond 1.8e308")


def _majority(outputs: Outputs) -> JsonObject:
    """The output that most agree on; of equals, the one that came first. Only digests are kept."""
    votes: Counter[bytes] = Counter()
    firsts: dict[bytes, str] = {}
    for key, output in outputs.all():
        digest = sha256(canonical(output).encode()).digest()
        votes[digest] += 1
        firsts.setdefault(digest, key)
    if not votes:
        return {"value": None, "votes": 0, "of": 0}
    winner, count = votes.most_common(1)[0]
    return {"value": outputs.of(firsts[winner]), "votes": count, "of": votes.total()}
