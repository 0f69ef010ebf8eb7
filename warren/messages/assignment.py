"""The part of a project that goes to one team lead."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from warren.messages.message import Attempt, JsonObject, Message, Priority, TaskId, Token, UnixSeconds


class Assignment(Message):
    """A plan and its input for one team."""

    TYPE: ClassVar[str] = "warren.assignment.v1"

    id: TaskId
    owner: TaskId = Field(description="the project or assignment whose plan delegated it")
    team: Token
    plan: JsonObject
    input: JsonObject
    report_to: Token = Field(description="who waits for the outcome: director, or the delegating team")
    priority: Priority
    attempt: Attempt = 1
    replay: int = Field(default=0, description="how often something in its project had been opened again")
    deadline_s: UnixSeconds | None = None
