"""Evaluates JMESPath within bounds, because a short expression can describe a huge value.

`[@, @]` behind `[@, @]` doubles what it is given, at six characters a time. The copies share their parts, so it is
writing the value down that takes the memory: a value is counted as it would be written. `join` makes real copies, so
each text is measured as it is made.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from jmespath import functions, visitor

MAX_VALUES: Final = 2_000_000
"""Values, names and list items in what one expression gives."""
MAX_TEXT_CHARS: Final = 64 * 1024 * 1024
MAX_REPETITIONS: Final = 200_000_000
"""Characters in all texts of the value, counted as often as they would be written."""


class TooLargeError(ValueError):
    """The value would be larger than any message may be."""


class BoundedInterpreter(visitor.TreeInterpreter):
    """JMESPath's own interpreter, which stops where a text grows out of hand."""

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        result = super().visit_function_expression(node, value)
        if isinstance(result, str) and len(result) > MAX_TEXT_CHARS:
            raise TooLargeError("it makes a text of more than 64 million characters")
        return result


def evaluated(tree: Any, scope: dict[str, Any]) -> Any:
    """The value of a parsed expression, which can be written down. Raises TooLargeError and ValueError."""
    options = visitor.Options(custom_functions=functions.Functions())
    value = BoundedInterpreter(options).visit(tree, scope)
    measure(value)
    return value


def measure(value: Any) -> None:
    """Walk the value as if it were written down, no further than allowed.

    Raises TooLargeError, and ValueError for a number that cannot be written down.
    """
    values, characters = 0, 0
    pending = [value]
    while pending:
        part = pending.pop()
        values += 1
        if isinstance(part, str):
            characters += len(part)
        elif isinstance(part, dict):
            values += len(part)
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)
        elif isinstance(part, float) and not isfinite(part):
            raise ValueError(f"it makes {part}, which is not a JSON number")
        if values + len(pending) > MAX_VALUES or characters > MAX_REPETITIONS:
            raise TooLargeError("it makes a value of millions of parts")
