"""What happened, for whoever wants to know: CloudEvents 1.0 in structured JSON."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from warren.messages.message import JsonObject, Message

EXTENSION: Final = re.compile(r"[a-z0-9]{1,40}")
INTEGERS: Final = range(-(2**31), 2**31)
NonEmpty = Annotated[str, StringConstraints(min_length=1)]


def _schema_of_extensions(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = {
        "type": ["string", "boolean", "integer"],
        "minimum": INTEGERS.start,
        "maximum": INTEGERS.stop - 1,
    }
    schema["propertyNames"] = {"pattern": f"^{EXTENSION.pattern}$"}


class Event(Message):
    """A CloudEvent (specification 1.0.2). Extension attributes are allowed, as the specification asks."""

    TYPE: ClassVar[str] = "warren.event.v1"
    model_config = ConfigDict(
        frozen=True, extra="allow", strict=True, allow_inf_nan=False, json_schema_extra=_schema_of_extensions
    )

    specversion: Literal["1.0"]
    id: NonEmpty
    source: NonEmpty
    type: NonEmpty
    subject: NonEmpty | None = None
    time: AwareDatetime | None = None
    datacontenttype: NonEmpty | None = None
    dataschema: NonEmpty | None = None
    data: JsonObject = Field(default_factory=dict)

    @model_validator(mode="after")
    def _extensions_are_plain(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if not EXTENSION.fullmatch(name):
                raise ValueError(f"an extension's name is of lower-case letters and digits, unlike {name[:80]!r}")
            if not isinstance(value, str | bool) and not (isinstance(value, int) and value in INTEGERS):
                raise ValueError(f"the extension {name!r} must be a text, a truth value or an integer of 32 bits")
        return self
