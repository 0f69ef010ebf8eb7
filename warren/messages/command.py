"""What an operator or a client wants done."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from warren.messages.message import Message
from warren.messages.project import ProjectId, ReplyTo


class Command(Message):
    """A wish about a project. A command repeated changes nothing."""

    TYPE: ClassVar[str] = "warren.command.v1"

    verb: Literal["cancel"]
    project: ProjectId
    reason: str = Field(default="", max_length=1000)
    reply_to: ReplyTo | None = None


class Control(Message):
    """What coordinators tell running agents."""

    TYPE: ClassVar[str] = "warren.control.v1"

    verb: Literal["cancel"]
    subtree: str = Field(description="the project, assignment or task below which nothing is wanted any more")
    reason: str = ""
