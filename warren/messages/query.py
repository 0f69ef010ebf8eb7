"""What a client wants to know."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from warren.messages.message import Message
from warren.messages.project import ProjectId, ReplyTo


class Query(Message):
    """A question that the director answers from the ledger."""

    TYPE: ClassVar[str] = "warren.query.v1"

    noun: Literal["status", "result", "projects"]
    project: ProjectId | None = Field(default=None, description="needed for status and result")
    limit: int = Field(default=20, ge=1, le=200, description="how many projects to list, newest first")
    reply_to: ReplyTo | None = None
