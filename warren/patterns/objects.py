"""Inputs and outputs are JSON objects; this says so where one is not."""

from __future__ import annotations

from typing import Any

from warren.errors import InvalidInput
from warren.messages.message import JsonObject


def as_object(value: Any, what: str) -> JsonObject:
    """The value, if it is an object. Raises InvalidInput that says `what` is not one."""
    if isinstance(value, dict):
        return value
    found = "null" if value is None else type(value).__name__
    raise InvalidInput("not_an_object", f"{what} must be a JSON object, but its expression gave {found}")
