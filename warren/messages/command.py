"""What an operator or a client wants done."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from warren.messages.message import JsonObject, Message, Value
from warren.messages.project import MAX_TIMEOUT_S, ProjectId, ReplyTo

MAX_TASKS: Final = 50_000
"""As many as a fan-out may have under way, for what failed together may have to be done again together."""
TaskId = Annotated[str, StringConstraints(max_length=2_000)]


class Again(Value):
    """A task or an assignment that was given up and is to be done after all."""

    id: TaskId
    attempt: int | None = Field(
        default=None, ge=1, description="the attempt that was given up; if a later one was made since, nothing is done"
    )


class Command(Message):
    """A wish about a project. A command repeated changes nothing."""

    TYPE: ClassVar[str] = "warren.command.v1"

    verb: Literal["cancel", "replay"]
    project: ProjectId
    reason: str = Field(default="", max_length=1000)
    tasks: list[Again] = Field(
        default_factory=list, max_length=MAX_TASKS, description="for replay: what is to be done again, together"
    )
    input: JsonObject | None = Field(default=None, description="for replay: an input in place of the one they had")
    timeout_s: float | None = Field(
        default=None, gt=0, le=MAX_TIMEOUT_S, description="for replay: their new deadline, in seconds from now"
    )
    rate: float | None = Field(
        default=None, gt=0, le=1_000_000, description="for replay: at most so many of them are sent each second"
    )
    reply_to: ReplyTo | None = None

    @model_validator(mode="after")
    def _what_belongs_to_the_verb(self) -> Self:
        if self.verb == "replay" and not self.tasks:
            raise ValueError("replay needs tasks")
        if self.verb != "replay" and (self.tasks or self.input is not None or self.timeout_s or self.rate):
            raise ValueError("tasks, input, timeout_s and rate belong to replay")
        return self


def _schema_of_verbs(schema: dict[str, Any]) -> None:
    """What the validator below says, for those who have nothing but the schema."""
    cancel = {"required": ["subtree"], "properties": {"verb": {"const": "cancel"}, "subtree": {"minLength": 1}}}
    drain = {"properties": {"verb": {"const": "drain"}, "subtree": {"maxLength": 0}}}
    schema["oneOf"] = [cancel, drain]


class Control(Message):
    """What coordinators and operators tell running agents."""

    TYPE: ClassVar[str] = "warren.control.v1"
    model_config = ConfigDict(json_schema_extra=_schema_of_verbs)

    verb: Literal["cancel", "drain"] = Field(
        description="cancel: stop what runs below `subtree`; drain: finish what is in hand and leave"
    )
    subtree: str = Field(
        default="", description="for cancel: the project, assignment or task below which nothing is wanted any more"
    )
    replay: int = Field(default=0, description="for cancel: what is sent for later replays is wanted")
    reason: str = ""

    @model_validator(mode="after")
    def _what_belongs_to_the_verb(self) -> Self:
        if (self.verb == "cancel") != bool(self.subtree):
            raise ValueError("subtree belongs to cancel, and cancel needs it")
        return self
