"""Values of Python's that JSON cannot say: found before they are sent, for on the way they would be changed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from warren.errors import InvalidInput
from warren.messages.codec import MAX_DEPTH, from_json, pointer

DEEPEST: Final = 199
"""Levels that the parser at the other end takes."""


MOST_DIGITS: Final = 4_300
"""Of a number that the parser takes."""
ROOM: Final = DEEPEST - MAX_DEPTH - 4
"""Levels that are left for what comes around a text; its own envelope has up to four."""


@dataclass(frozen=True, slots=True)
class Unsayable:
    """What is wrong with a part of a value, and the way there."""

    place: tuple[str | int, ...]
    reason: str


def is_sayable(value: Any) -> bool:
    """Whether all of it is JSON as it stands; quick, for it is asked of all that is sent."""
    try:
        text = to_json(value, inf_nan_mode="constants")
    except (PydanticSerializationError, RecursionError):
        return False
    return not may_hold_nan(text) or first_unsayable(value) is None


def may_hold_nan(text: bytes) -> bool:
    """Whether NaN or an infinity may be in a text that was written with `constants`; in a string they are harmless."""
    return b"NaN" in text or b"Infinity" in text


def is_readable(text: bytes) -> bool:
    """Whether parsers take a text of ours, also with what others will put around it.

    They limit how deep it is nested, and how many digits a number has.
    """
    if len(text) <= MOST_DIGITS and text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return True
    try:
        from_json(b"[" * ROOM + text + b"]" * ROOM)
    except ValueError:
        return False
    return True


def first_unsayable(value: Any) -> Unsayable | None:
    """The first part that JSON cannot say; None if there is none.

    >>> first_unsayable({"sizes": [1.5, float("inf")]})
    Unsayable(place=('sizes', 1), reason='inf is not a JSON number')
    """
    return next(_unsayable(value, ()), None)


def check_numbers(value: Any, at: str) -> None:
    """Refuse a number that was too large to be read, which would go on as null; `at` is the value's JSON pointer.

    Raises InvalidInput.
    """
    if may_hold_nan(to_json(value, inf_nan_mode="constants")) and (found := first_unsayable(value)) is not None:
        words = "a number is beyond 1.8e308, and nobody could read it; send it as text"
        raise InvalidInput("number_too_large", words, pointer=at + pointer(found.place))


def _unsayable(value: Any, place: tuple[str | int, ...]) -> Iterator[Unsayable]:
    if len(place) > DEEPEST:
        yield Unsayable(place[:3], "it is nested too deeply, or holds itself")
        return
    match value:
        case dict():
            for name, part in value.items():
                yield from _unsayable(str(name), place)
                yield from _unsayable(part, (*place, str(name)))
        case list() | tuple():
            for number, part in enumerate(value):
                yield from _unsayable(part, (*place, number))
        case _:
            yield from _leaf(value, place)


def _leaf(value: Any, place: tuple[str | int, ...]) -> Iterator[Unsayable]:
    if isinstance(value, float) and not math.isfinite(value):
        yield Unsayable(place, f"{value} is not a JSON number")
    elif isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        yield Unsayable(place, "a text holds half of a character (a lone surrogate), which UTF-8 cannot say")
    else:
        yield from _foreign(value, place)


def _foreign(value: Any, place: tuple[str | int, ...]) -> Iterator[Unsayable]:
    try:
        text = to_json(value, inf_nan_mode="constants")
    except (PydanticSerializationError, RecursionError):
        yield Unsayable(place, f"a value of type {type(value).__name__} cannot be written as JSON")
    else:
        if not isinstance(value, str) and may_hold_nan(text):
            yield Unsayable(place, f"a value of type {type(value).__name__} holds a number that is none in JSON")
