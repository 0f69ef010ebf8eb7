"""What is known of an attempt that was not the last: it travels with its task, so that no record of it is lost."""

from __future__ import annotations

from pydantic import Field

from warren.messages.message import Happened, Value


class Tried(Value):
    """One attempt that another one followed."""

    attempt: int
    agent: str = ""
    started_s: Happened
    ended_s: Happened
    code: str = Field(description="why it failed, as in the error's code")
    message: str = Field(default="", max_length=500)
    type: str | None = Field(default=None, max_length=200, description="the exception's class, where there was one")
    delay_s: float = Field(default=0.0, description="how long the retry ladder was to hold the task, in seconds")
