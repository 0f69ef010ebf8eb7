"""What a person types as a project's input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from warren.errors import InvalidInput
from warren.messages.message import JsonObject


def given_input(text: str | None, settings: Iterable[str]) -> JsonObject:
    """The input from `--input` (JSON, @file or -) with every `--set key=value` put on top. Raises InvalidInput."""
    data = _object(*_source(text)) if text is not None else {}
    for setting in settings:
        _put(data, setting)
    return data


def _source(text: str) -> tuple[str, str]:
    """The JSON text, and what to call it."""
    if text == "-":
        return sys.stdin.read(), "standard input"
    if not text.startswith("@"):
        return text, "--input"
    path = Path(text[1:])
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except OSError as error:
        raise InvalidInput("input_invalid", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput("input_invalid", f"{path} is not UTF-8") from None


def _object(text: str, what: str) -> JsonObject:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvalidInput(
            "input_invalid", f'{what} is not JSON: {error}; write an object such as \'{{"path": "src"}}\''
        ) from None
    if not isinstance(data, dict):
        raise InvalidInput("input_invalid", f"{what} holds {type(data).__name__}, but an input is a JSON object")
    return data


def _put(data: JsonObject, setting: str) -> None:
    """`a.b=1` sets `b` within the object `a`; a value that is not JSON is a string."""
    path, equals, text = setting.partition("=")
    if not equals or not path:
        raise InvalidInput("input_invalid", f"--set {setting}: write key=value")
    *above, last = path.split(".")
    place: Any = data
    for step in above:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise InvalidInput("input_invalid", f"--set {setting}: {step} is not an object")
    place[last] = _value(text)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
