"""The places in a command line that stand for a field of a task's input."""

from __future__ import annotations

import string
from typing import Final

HOW: Final = "write {field} for a field of the input, and {{ and }} for braces that stay"


def pieces(argument: str) -> tuple[tuple[str, str | None], ...]:
    """Text that stays, and the field that follows it, if one does. Raises ValueError in words.

    >>> pieces("--files={path}")
    (('--files=', 'path'),)
    """
    try:
        parsed = list(string.Formatter().parse(argument))
    except ValueError as error:
        raise ValueError(f"{error}; {HOW}") from None
    for _, field, form, conversion in parsed:
        if field is not None and (form or conversion or not field.isidentifier()):
            raise ValueError(f"between braces there can be only the name of a field of the input; {HOW}")
    return tuple((text, field) for text, field, _, _ in parsed)
