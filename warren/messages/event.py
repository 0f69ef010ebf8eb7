"""What happened, for whoever wants to know: CloudEvents 1.0 in structured JSON."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from warren.messages.message import JsonObject, Message

NonEmpty = Annotated[str, StringConstraints(min_length=1)]


class Event(Message):
    """A CloudEvent (specification 1.0.2). Extension attributes are allowed, as the specification asks."""

    TYPE: ClassVar[str] = "warren.event.v1"
    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    specversion: Literal["1.0"] = "1.0"
    id: NonEmpty
    source: NonEmpty
    type: NonEmpty
    subject: NonEmpty | None = None
    time: AwareDatetime | None = None
    datacontenttype: NonEmpty | None = None
    dataschema: NonEmpty | None = None
    data: JsonObject = Field(default_factory=dict)
