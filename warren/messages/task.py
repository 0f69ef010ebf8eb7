"""Work for a worker."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from warren.messages.message import Attempt, JsonObject, Message, Priority, TaskId, Token, UnixSeconds, Value
from warren.messages.tried import Tried


class Task(Value):
    """One call of a skill."""

    id: TaskId
    input: JsonObject
    attempt: Attempt = 1
    deadline_s: UnixSeconds | None = None
    replay: int = Field(default=0, description="how often something in its project had been opened again")
    spent: int | None = Field(default=None, description="attempts before its replay, which its retries do not count")
    tried: list[Tried] | None = Field(default=None, description="the attempts before this one")


class TaskMessage(Message):
    """One task, or a bundle of cheap tasks of one skill; each settles on its own."""

    TYPE: ClassVar[str] = "warren.task.v1"

    team: Token
    skill: Token
    owner: TaskId = Field(description="the assignment that the tasks belong to")
    priority: Priority
    tasks: Annotated[list[Task], Field(min_length=1)]
