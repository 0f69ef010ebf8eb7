"""What pydantic finds wrong with a plan or a playbook, in the words of those who write them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

KINDS: Final = ("call", "delegate", "map", "parallel", "sequence")
WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing; add it",
    "extra_forbidden": "is not known here; remove it, or correct its spelling",
    "union_tag_not_found": f"a node needs a kind; there are {', '.join(KINDS)}",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_pattern_mismatch": "must be made of a-z, 0-9, _ and -, at most 40",
    "recursion_loop": "is nested too deeply",
}
VALUE_ERROR: Final = "Value error, "
SHOWN_CHARACTERS: Final = 60


def worst(problems: Sequence[ErrorDetails]) -> ErrorDetails:
    """The one to tell of: a key that is misspelt is the cause, and that the right one is missing what follows."""
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def in_words(problem: ErrorDetails, known: Collection[str] = ()) -> str:
    """One problem; where it is, the pointer says. `known` are the keys that could stand there."""
    kind, found = problem["type"], problem.get("input")
    if kind == "extra_forbidden" and known:
        return _unknown_key(str(problem["loc"][-1]), known)
    if kind == "dict_type" and isinstance(found, list):
        return "must be a mapping of names to nodes, as in `first: {kind: call, …}`, and not a list"
    if kind == "union_tag_invalid":
        return _unknown_kind(str(problem.get("ctx", {}).get("tag", "")))
    message = problem["msg"].removeprefix(VALUE_ERROR)
    words = WORDS.get(kind, message.replace("Input should", "must").replace("String should", "must"))
    is_about_value = words is not message and kind not in {"missing", "extra_forbidden", "union_tag_not_found"}
    return f"{words}; found {_shown(found)}" if is_about_value and not isinstance(found, dict | list) else words


def _unknown_key(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key[:SHOWN_CHARACTERS], known, n=1)
    guess = f"did you mean {close[0]!r}? Known" if close else "known"
    return f"{_shown(key)} is no key; {guess} here: {', '.join(known)}"


def _unknown_kind(tag: str) -> str:
    meant = difflib.get_close_matches(tag, KINDS, n=1)
    hint = f"; did you mean {meant[0]}?" if meant else ""
    return f"kind {tag!r} is unknown; there are {', '.join(KINDS)}{hint}"


def _shown(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
