"""What pydantic finds wrong with a message, in the words of those who send it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Final

from pydantic_core import ErrorDetails

from topology.names import REPLY_PREFIX, TOKEN

WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "timezone_aware": "needs a time zone, as in 2030-01-31T12:00:00Z",
}
NAME_WORDS: Final = "made of a-z, 0-9, _ and -, at most 40 characters"
PATTERNS: Final[Mapping[str, str]] = {
    f"^{TOKEN.pattern}$": f"must be {NAME_WORDS}",
    rf"^reply\.{TOKEN.pattern}$": f"must be {REPLY_PREFIX} and a name {NAME_WORDS}",
}
VALUE_ERROR: Final = "Value error, "
LONGEST_NAME: Final = 40
"""Characters of a name that is looked for among those that are known."""


def in_words(problem: ErrorDetails, known: Collection[str] = ()) -> str:
    """One problem, without its place and its value; `known` are the fields of the whole message."""
    kind, message = problem["type"], problem["msg"].removeprefix(VALUE_ERROR)
    if kind == "extra_forbidden":
        return _unknown(problem["loc"], known)
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(problem.get("ctx", {}).get("pattern")), _rephrased(message))
    return WORDS.get(kind, _rephrased(message))


def _unknown(place: tuple[int | str, ...], known: Collection[str]) -> str:
    if len(place) != 1 or not known:
        return "is not known here; remove it, or correct its spelling"
    close = difflib.get_close_matches(str(place[0])[:LONGEST_NAME], known, n=1)
    guess = f"did you mean {close[0]}? There" if close else "there"
    return f"is not known here; {guess} are {', '.join(known)}"


def _rephrased(message: str) -> str:
    for subject in ("Input should", "String should", "List should", "Dictionary should"):
        message = message.replace(subject, "must")
    return message
