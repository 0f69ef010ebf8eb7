"""What all messages share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from topology.names import TOKEN

JsonObject = dict[str, Any]
Token = Annotated[str, StringConstraints(pattern=rf"^{TOKEN.pattern}$")]
Priority = Annotated[int, Field(ge=0, le=9, description="0 to 9: low 1, normal 4, high 6, urgent 9")]
TaskId = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,1000}$")]
"""A place in a project's tree: `<project>/0/3/12`."""
Attempt = Annotated[int, Field(ge=0, le=2**31 - 1)]
UnixSeconds = Annotated[float, Field(description="seconds since the Unix epoch, UTC")]
Happened = Annotated[float, Field(ge=0, le=253_402_300_799, description="seconds since the Unix epoch, UTC")]
"""When something began or ended, as others say: before the year 10000, so that it can be told as a date."""

NORMAL_PRIORITY = 4


def _schema_of_tags(schema: dict[str, Any]) -> None:
    """A field that tells one kind of thing from another has a default in code only: on the wire it must be there."""
    tags = [name for name, field in schema.get("properties", {}).items() if "const" in field]
    if tags:
        schema["required"] = sorted({*schema.get("required", ()), *tags})


class Value(BaseModel):
    """A part of a message: immutable, unknown fields refused, nothing coerced."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",  # which nobody takes for JSON, while a null would look like what was meant
        json_schema_extra=_schema_of_tags,
    )


class Message(Value):
    """A whole body. `TYPE` is the AMQP `type` property, version included."""

    TYPE: ClassVar[str]
