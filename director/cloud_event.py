"""A project that arrives as a CloudEvent: what is in it, and what makes two of them the same.

Both modes of the specification's AMQP binding are understood: *structured* (the whole event is the body) and *binary*
(the body is the project, the event's attributes are headers).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from warren.broker.port import Delivery
from warren.errors import InvalidInput
from warren.messages.codec import decode, shortened, to_json
from warren.messages.event import Event
from warren.messages.message import JsonObject
from warren.messages.unsayable import check_numbers

SUBMIT: Final = "warren.project.submit"
"""The `type` of an event that submits a project."""
STRUCTURED: Final = "application/cloudevents+json"
ANY_CLOUD_EVENT: Final = "application/cloudevents"
PREFIXES: Final = ("cloudEvents:", "cloudEvents_", "ce-", "ce_")
"""What attributes begin with in headers: the binding's two, and two that bridges from HTTP and Kafka leave."""
ATTRIBUTES: Final = ("specversion", "id", "source", "type")
NAMESPACE: Final = uuid.UUID("b0a8c7a6-3f0d-5d0e-8a55-0a8b9c4f6f2e")
MAX_SHOWN_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Submission:
    """A project's body, as a plain message or out of an event.

    `pointer` is where it is in the message's own body; `project_id` the id that the event gives it; `trace` what the
    event says of the trace that it is part of.
    """

    body: bytes
    pointer: str = ""
    project_id: str | None = None
    trace: Mapping[str, Any] = field(default_factory=dict)

    def located(self, error: InvalidInput) -> InvalidInput:
        """An error about the project, as one about the message."""
        if not self.pointer:
            return error
        return InvalidInput(error.code, error.message, pointer=self.pointer + error.pointer)


def submission(delivery: Delivery, limit_bytes: int) -> Submission:
    """What a delivery submits. Raises InvalidInput for an event that submits no project."""
    content_type = _media_type(delivery)
    if content_type == STRUCTURED:
        return _structured(decode(Event, delivery.body, limit_bytes))
    if content_type.startswith(ANY_CLOUD_EVENT):
        shown = content_type[:MAX_SHOWN_CHARS]
        raise _wrong(f"content type {shown!r} is not understood; send one event as {STRUCTURED}")
    attributes = _attributes(delivery.properties.headers)
    if "specversion" in attributes:
        return _binary(attributes, content_type, delivery.body)
    return Submission(delivery.body)


def stated_project(delivery: Delivery, said: JsonObject) -> JsonObject:
    """Where a parsed body says what its sender wants: in its `data`, if it is an event."""
    data = said.get("data")
    return data if _media_type(delivery) == STRUCTURED and isinstance(data, dict) else said


def _structured(event: Event) -> Submission:
    _check_type(event.type, "/type")
    check_numbers(event.data, "/data")
    trace = event.model_extra or {}
    return Submission(to_json(event.data).encode(), "/data", project_id(event.source, event.id), trace)


def _binary(attributes: Mapping[str, str], content_type: str, body: bytes) -> Submission:
    for name in ATTRIBUTES:
        if not attributes.get(name):
            raise _wrong(f"the event has no {name}: set the header {PREFIXES[0]}{name}")
    if attributes["specversion"] != "1.0":
        raise _wrong(f"specversion {attributes['specversion'][:MAX_SHOWN_CHARS]!r} is not understood; it must be 1.0")
    if content_type not in ("", "application/json"):
        raise _wrong(f"the data is {content_type[:MAX_SHOWN_CHARS]!r}; a project is application/json")
    _check_type(attributes["type"], "")
    return Submission(body, project_id=project_id(attributes["source"], attributes["id"]), trace=attributes)


def project_id(source: str, event_id: str) -> str:
    """The id of an event's project: source and id together make an event what it is."""
    return str(uuid.uuid5(NAMESPACE, to_json([source, event_id])))


def _check_type(found: str, pointer: str) -> None:
    if found != SUBMIT:
        shown = shortened(repr(found), MAX_SHOWN_CHARS)
        raise _wrong(f"an event of type {shown} submits no project; its type must be {SUBMIT}", pointer)


def _attributes(headers: Mapping[str, Any]) -> dict[str, str]:
    """By name; of one that is there under two prefixes the binding's own counts."""
    return {
        name.removeprefix(prefix): value
        for prefix in reversed(PREFIXES)
        for name, value in headers.items()
        if name.startswith(prefix) and isinstance(value, str)
    }


def _media_type(delivery: Delivery) -> str:
    return (delivery.properties.content_type or "").partition(";")[0].strip().lower()


def _wrong(message: str, pointer: str = "") -> InvalidInput:
    return InvalidInput("cloud_event_invalid", message, pointer=pointer)
