"""Outputs that are JSON text already: what nobody looks into is never made into values.

An object of Python's takes up to twenty times what its text does. So what coordinators only pass on (a map's collected
outputs, an assignment's, a project's) stays the text that the ledger holds, and is put into messages as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from warren.messages.codec import from_json, to_json
from warren.messages.message import JsonObject
from warren.messages.outcome import AnyOutcome, Succeeded


@dataclass(frozen=True, slots=True)
class Written:
    """A success, with its output as JSON text."""

    text: str
    status: Literal["succeeded"] = "succeeded"


AnyEnd = AnyOutcome | Written
"""How something ended, as coordinators hand it on."""
Success = Succeeded | Written


@dataclass(frozen=True, slots=True)
class Ending:
    """How a project ended, on its way to whoever asked (Unix seconds)."""

    outcome: AnyEnd
    accepted_s: float
    ended_s: float
    replays: int


_BARE: Final = Succeeded(output={})
_PLACE: Final = b'"output":{}'
"""It cannot occur inside a JSON string, whose quotes are escaped."""


def text_of(success: Success) -> str:
    """The output as JSON text."""
    return success.text if isinstance(success, Written) else to_json(success.output)


def output_of(success: Success) -> JsonObject:
    """The output as a value."""
    if isinstance(success, Succeeded):
        return success.output
    output: JsonObject = from_json(success.text)
    return output


def without_output(outcome: AnyEnd) -> AnyOutcome:
    """The same for a model of the wire, which cannot hold text; `filled` puts the text in its place."""
    return _BARE if isinstance(outcome, Written) else outcome


def filled(body: bytes, outcome: AnyEnd) -> bytes:
    """A body that was made `without_output`, with the output in its place."""
    if not isinstance(outcome, Written):
        return body
    before, place, after = body.partition(_PLACE)
    assert place, "the body has a success without an output"
    return b"".join((before, b'"output":', outcome.text.encode(), after))


def object_text(members: Mapping[str, str]) -> str:
    """The JSON object whose members are JSON text already."""
    return "{" + ",".join(f"{to_json(name)}:{text}" for name, text in members.items()) + "}"
