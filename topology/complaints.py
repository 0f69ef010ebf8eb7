"""What pydantic found wrong with a cluster file, in words and with the line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from topology.errors import Problem
from topology.section import UNKNOWN_KEY
from topology.yaml_document import Place, YamlDocument, dotted

_WORDS: Final = {
    "missing": "is missing; add it",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of names to settings",
    "mapping_type": "must be a mapping of names to settings",
    "tuple_type": "must be a list",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text; put it in quotes",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}
_SHOWN_CHARACTERS: Final = 60
_KEY_STEP: Final = "[key]"


def problems_of(error: ValidationError, document: YamlDocument) -> tuple[Problem, ...]:
    """Every problem once, in the order of the file."""
    problems = dict.fromkeys(_problems(error, document))
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def _problems(error: ValidationError, document: YamlDocument) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        place = _place(details)
        line = document.lines.get(document.nearest(place), 1)
        yield Problem(_text(details), dotted(place), line)


def _place(details: ErrorDetails) -> Place:
    place = tuple(step for step in details["loc"] if step != _KEY_STEP)
    return (*place, details["ctx"]["key"]) if details["type"] == UNKNOWN_KEY else place


def _text(details: ErrorDetails) -> str:
    kind, found = details["type"], details["input"]
    words = _WORDS.get(kind, details["msg"].replace("Input should", "must").replace("String should", "must"))
    if kind in {UNKNOWN_KEY, "missing", "token", "reserved"} or isinstance(found, dict):
        return words
    return f"{words}; found {_shown(found)}"


def _shown(found: object) -> str:
    text = repr(found)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
