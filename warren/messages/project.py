"""What a client submits."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from topology.names import TOKEN
from warren.messages.message import NORMAL_PRIORITY, JsonObject, Message, Priority, Token

MAX_TIMEOUT_S = 100 * 366 * 86_400.0
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
EXAMPLE_ID = "0190a8e0-6b5e-7c3d-9a41-2f0c5d7e8b19"


def _refused_in_words(value: Any) -> Any:
    """The pattern alone would be all that a sender reads."""
    if isinstance(value, str) and re.fullmatch(UUID_PATTERN, value) is None:
        words = "a project's id is a UUID in lower case, such as {example}"
        raise PydanticCustomError("project_id", words, {"example": EXAMPLE_ID})
    return value


ProjectId = Annotated[str, StringConstraints(pattern=UUID_PATTERN), BeforeValidator(_refused_in_words)]
ReplyTo = Annotated[str, StringConstraints(pattern=rf"^reply\.{TOKEN.pattern}$")]


def _schema_of_choices(schema: dict[str, Any]) -> None:
    """What the validator below says, for those who have nothing but the schema."""
    playbook = {"required": ["playbook"], "properties": {"playbook": {"type": "string"}}}
    plan = {"required": ["plan"], "properties": {"plan": {"type": "object"}}}
    schema["oneOf"] = [playbook, plan]
    schema["not"] = {"anyOf": [_both("deadline", "timeout_s"), _both("not_before", "delay_s")]}


def _both(*fields: str) -> dict[str, Any]:
    return {"required": list(fields), "properties": {field: {"not": {"type": "null"}} for field in fields}}


class Project(Message):
    """A playbook's name, or a plan, and an input. Everything else has a default."""

    TYPE: ClassVar[str] = "warren.project.v1"
    model_config = ConfigDict(json_schema_extra=_schema_of_choices)

    id: ProjectId | None = Field(default=None, description="a UUID (best a UUIDv7); the same id is the same project")
    playbook: Token | None = None
    plan: JsonObject | None = Field(default=None, description="a plan of its own, instead of a playbook")
    input: JsonObject = Field(default_factory=dict)
    priority: Priority = NORMAL_PRIORITY
    deadline: AwareDatetime | None = Field(default=None, description="when it is no longer wanted (RFC 3339)")
    timeout_s: float | None = Field(
        default=None,
        gt=0,
        le=MAX_TIMEOUT_S,
        description="the same, in seconds from acceptance, or from when it may begin if that is later",
    )
    not_before: AwareDatetime | None = Field(default=None, description="when it may begin (RFC 3339); default: at once")
    delay_s: float | None = Field(default=None, ge=0, le=MAX_TIMEOUT_S, description="the same, in seconds")
    reply_to: ReplyTo | None = Field(default=None, description="a key on warren.replies, such as reply.my-client")
    labels: dict[str, str] = Field(default_factory=dict, description="the client's own words; carried, not read")

    @model_validator(mode="after")
    def _one_way_to_say_what(self) -> Self:
        if (self.playbook is None) == (self.plan is None):
            raise ValueError("give either a playbook's name or a plan")
        if self.deadline is not None and self.timeout_s is not None:
            raise ValueError("give either a deadline or timeout_s")
        if self.not_before is not None and self.delay_s is not None:
            raise ValueError("give either not_before or delay_s")
        return self
