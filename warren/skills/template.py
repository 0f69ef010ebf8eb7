"""The arguments of a command line, with places for what a task's input holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topology import placeholder
from warren.errors import InvalidInput, SkillError
from warren.messages.codec import to_json


@dataclass(frozen=True, slots=True)
class Template:
    """`{field}` stands for a field of the input, within the one argument that it is written in; `{{` is a brace.

    >>> Template.read(["wc", "--files={path}"], "here").filled({"path": "a b; rm c"})
    ['wc', '--files=a b; rm c']
    """

    arguments: tuple[tuple[tuple[str, str | None], ...], ...]
    """For each argument its pieces: text that stays, and the field that follows it, if one does."""

    @classmethod
    def read(cls, argv: Sequence[str], place: str) -> Template:
        """Raises SkillError, which begins with `place`."""
        pieces = tuple(_pieces(argument, f"{place}: argv[{number}]") for number, argument in enumerate(argv))
        if any(field is not None for _, field in pieces[0]):
            raise SkillError(f"{place}: argv[0] {argv[0]!r} names the program; no task may choose that, write it out")
        return cls(pieces)

    def filled(self, given: Mapping[str, Any]) -> list[str]:
        """The arguments for one task. Raises InvalidInput with code `input_invalid`."""
        return ["".join(text + _value(field, given) for text, field in pieces) for pieces in self.arguments]


def _pieces(argument: str, place: str) -> tuple[tuple[str, str | None], ...]:
    try:
        return placeholder.pieces(argument)
    except ValueError as error:
        raise SkillError(f"{place} {argument!r}: {error}") from None


def _value(field: str | None, given: Mapping[str, Any]) -> str:
    if field is None:
        return ""
    if field not in given:
        raise InvalidInput("input_invalid", "the command line needs this field", pointer=f"/{field}")
    value = given[field]
    text = value if isinstance(value, str) else to_json(value)
    if "\0" in text:
        raise InvalidInput(
            "input_invalid", "an argument of a program cannot hold a null character", pointer=f"/{field}"
        )
    return text
