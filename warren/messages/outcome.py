"""How a project, an assignment or a task ended: a closed type."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from warren.messages.message import JsonObject, Value

MAX_TRACEBACK_CHARS = 8_000


class ErrorInfo(Value):
    """What went wrong, for programs (`code`, `pointer`) and for people (`message`)."""

    code: str = Field(description="stable, made for programs, such as input_invalid or handler_error")
    message: str
    pointer: str = Field(default="", description="JSON pointer (RFC 6901) to the offending place")
    type: str = Field(default="", description="the exception's class, where there was one")
    task: str = Field(default="", description="the task in which it began")
    permanent: bool = Field(default=False, description="trying again cannot help")
    skill: str = Field(default="", description="the skill whose task it is, where a worker failed")
    attempts: int = Field(default=0, ge=0, description="how often that task was tried, where a worker failed")
    traceback: str = Field(default="", max_length=MAX_TRACEBACK_CHARS)


class Succeeded(Value):
    """It ended with an output."""

    status: Literal["succeeded"] = "succeeded"
    output: JsonObject


class Failed(Value):
    """It was given up."""

    status: Literal["failed"] = "failed"
    error: ErrorInfo


class Cancelled(Value):
    """Somebody no longer wanted it."""

    status: Literal["cancelled"] = "cancelled"
    reason: str = ""


class Expired(Value):
    """Its deadline passed."""

    status: Literal["expired"] = "expired"
    reason: str = ""


Outcome = Annotated[Succeeded | Failed | Cancelled | Expired, Field(discriminator="status")]
AnyOutcome = Succeeded | Failed | Cancelled | Expired
"""The same for annotations of functions, where no discriminator is needed."""
