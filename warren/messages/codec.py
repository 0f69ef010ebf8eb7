"""Bytes to messages and back; everything that is wrong with a body is said here, once."""

from __future__ import annotations

import codecs
import json
from collections.abc import Collection
from typing import Any, Final, TypeVar

import pydantic_core
from pydantic import ValidationError

from warren.errors import InvalidInput, MessageTooLarge
from warren.messages.assignment import Assignment
from warren.messages.command import Command, Control
from warren.messages.complaint import in_words
from warren.messages.event import Event
from warren.messages.message import Message
from warren.messages.project import Project
from warren.messages.query import Query
from warren.messages.reply import Reply
from warren.messages.result import ResultMessage
from warren.messages.task import TaskMessage

M = TypeVar("M", bound=Message)

MESSAGES: Final[tuple[type[Message], ...]] = (
    Project,
    Assignment,
    TaskMessage,
    ResultMessage,
    Event,
    Command,
    Control,
    Query,
    Reply,
)

DEFAULT_LIMIT_BYTES: Final = 8 * 1024 * 1024
MAX_REASONS: Final = 5
MAX_REASON_CHARS: Final = 2_000
MAX_POINTER_CHARS: Final = 1_000
MAX_PLACE_CHARS: Final = 200
RIDDLES: Final = {
    "recursion limit exceeded": "; it is nested too deeply",
    "hex escape": "; a \\u escape above D7FF is half of a character, and its other half is missing",
    "surrogate": "; a \\u escape above D7FF is half of a character, and its other half is missing",
}
"""What the parser says, and what makes it clear."""
MAX_DEPTH: Final = 100
"""How deep an input may be nested. The parser takes 199 levels, and envelopes and outputs around it need some."""


def encode(message: Message, limit_bytes: int | None = DEFAULT_LIMIT_BYTES) -> bytes:
    """The body of a message. Raises MessageTooLarge.

    Without a limit (None) goes what is made of something that was within it, and may be larger by an envelope.
    """
    return within(message.__pydantic_serializer__.to_json(message, exclude_none=True), limit_bytes)


def decode(model: type[M], body: bytes, limit_bytes: int | None = DEFAULT_LIMIT_BYTES) -> M:
    """The message in a body.

    Of a key that an object has twice, the last value counts. Raises InvalidInput with code `not_json`, `not_utf8` or
    `message_invalid` and a pointer to what is wrong, and MessageTooLarge.
    """
    within(body, limit_bytes)
    _refuse_not_a_number(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise explained(error, body, model.TYPE, model.model_fields) from None


def within(body: bytes, limit_bytes: int | None) -> bytes:
    """The body, if it is within the limit. Raises MessageTooLarge."""
    if limit_bytes is not None and len(body) > limit_bytes:
        raise MessageTooLarge(len(body), limit_bytes)
    return body


def explained(error: ValidationError, body: bytes, what: str, known: Collection[str] = ()) -> InvalidInput:
    """A validation error in words that its sender can act on; `known` are the fields that `what` has."""
    problems = error.errors(include_url=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return _not_json(body, problems[0]["msg"])
    reasons = [_reason(problem["loc"], in_words(problem, known)) for problem in problems[:MAX_REASONS]]
    if len(problems) > MAX_REASONS:
        reasons.append(f"and {len(problems) - MAX_REASONS} more")
    where = shortened(pointer(problems[0]["loc"]), MAX_POINTER_CHARS)
    return InvalidInput("message_invalid", f"not a valid {what}: {'; '.join(reasons)}", pointer=where)


def pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) from pydantic's location."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


def shortened(text: str, limit_chars: int) -> str:
    """The text, or its beginning and its end: a stranger's megabytes are not told back to him."""
    if len(text) <= limit_chars:
        return text
    half = (limit_chars - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _reason(location: tuple[int | str, ...], words: str) -> str:
    where = pointer(location) or "the whole"
    return f"{shortened(where, MAX_PLACE_CHARS)}: {shortened(words, MAX_PLACE_CHARS)}"


def to_json(value: Any) -> str:
    """Compact JSON text of a plain value."""
    return pydantic_core.to_json(value, inf_nan_mode="null").decode()


def canonical(value: Any) -> str:
    """JSON text that is the same for all objects that are equal, whatever the order of their names at any depth."""
    return to_json(_ordered(value))


def _ordered(value: Any) -> Any:
    match value:
        case dict():
            return {name: _ordered(value[name]) for name in sorted(value)}
        case list():
            return [_ordered(item) for item in value]
        case _:
            return value


def from_json(text: str | bytes) -> Any:
    """The plain value in JSON text that we wrote."""
    return pydantic_core.from_json(text)


def _refuse_not_a_number(body: bytes) -> None:
    """Refuse NaN and Infinity, which are not JSON; the look at the bytes keeps the check off the hot path."""
    if b"NaN" not in body and b"Infinity" not in body:
        return
    try:
        json.loads(body, parse_constant=_refuse)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        return  # the parser that follows says it better


def _refuse(constant: str) -> None:
    raise InvalidInput("not_json", f"the body is not JSON: {constant} is not a JSON number")


def _not_json(body: bytes, reason: str) -> InvalidInput:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return InvalidInput("not_utf8", f"the body is not UTF-8: byte {error.start} cannot be decoded")
    return InvalidInput("not_json", f"the body is not JSON: {_parsers_words(body, reason)}")


def _parsers_words(body: bytes, reason: str) -> str:
    """The parser's reason, and what to do where that alone is a riddle."""
    if body.startswith(codecs.BOM_UTF8):
        return f"{reason}; it begins with a byte order mark, send it without"
    advice = next((advice for riddle, advice in RIDDLES.items() if riddle in reason), "")
    return reason + advice
