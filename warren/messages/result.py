"""How tasks and assignments report to whoever waits for them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from warren.messages.message import Attempt, Happened, Message, TaskId, Value
from warren.messages.outcome import Outcome
from warren.messages.tried import Tried


class Result(Value):
    """The outcome of one attempt."""

    id: TaskId
    owner: TaskId = Field(description="the project or assignment whose plan waits for it")
    attempt: Attempt
    outcome: Outcome
    started_s: Happened
    ended_s: Happened
    agent: str = Field(default="", description="who ran it")
    replay: int | None = Field(default=None, description="the replay that its task was sent for, if it was one")
    tried: list[Tried] | None = Field(default=None, description="the attempts before this one")
    redelivered: bool | None = Field(default=None, description="whoever had it first was lost, and it began anew")
    kept: bool | None = Field(
        default=None, description="of an assignment: its output is large and only in the ledger; here it is empty"
    )


class ResultMessage(Message):
    """One result or many."""

    TYPE: ClassVar[str] = "warren.result.v1"

    results: Annotated[list[Result], Field(min_length=1)]
