"""What all messages share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from topology.names import TOKEN

JsonObject = dict[str, Any]
Token = Annotated[str, StringConstraints(pattern=rf"^{TOKEN.pattern}$")]
Priority = Annotated[int, Field(ge=0, le=9, description="0 to 9: low 1, normal 4, high 6, urgent 9")]
UnixSeconds = Annotated[float, Field(description="seconds since the Unix epoch, UTC")]

NORMAL_PRIORITY = 4


class Value(BaseModel):
    """A part of a message: immutable, unknown fields refused, nothing coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Message(Value):
    """A whole body. `TYPE` is the AMQP `type` property, version included."""

    TYPE: ClassVar[str]
