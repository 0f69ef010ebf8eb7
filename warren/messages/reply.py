"""What the director answers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from warren.messages.message import JsonObject, Message, UnixSeconds, Value
from warren.messages.outcome import ErrorInfo, Outcome


class Accepted(Value):
    """The project is in the ledger and cannot be lost any more."""

    kind: Literal["accepted"] = "accepted"
    duplicate: bool = Field(default=False, description="it had been accepted before")


class Rejected(Value):
    """What was sent cannot be used; `error` says what is wrong, and where."""

    kind: Literal["rejected"] = "rejected"
    error: ErrorInfo
    retry_after_s: float | None = Field(
        default=None, ge=0, description="where it only came too fast: the same message is welcome after so many seconds"
    )


class Finished(Value):
    """The project ended."""

    kind: Literal["finished"] = "finished"
    outcome: Outcome
    accepted_s: UnixSeconds
    ended_s: UnixSeconds
    replays: int = Field(default=0, description="how often something in it had been opened again by then")


class Branch(Value):
    """One line of a project's tree: a project, an assignment, a node of a plan or a task."""

    id: str
    kind: str
    name: str = Field(default="", description="the playbook, team or skill")
    step: str = Field(default="", description="how the plan above calls it, as in a sequence's steps")
    status: str
    total: int = Field(default=0, description="children known so far")
    done: int = 0
    failed: int = 0
    started_s: UnixSeconds | None = None
    ended_s: UnixSeconds | None = None


class Status(Value):
    """Where a project stands: its tree, without the single tasks of its maps."""

    kind: Literal["status"] = "status"
    project: str
    playbook: str | None = None
    status: str
    accepted_s: UnixSeconds
    ended_s: UnixSeconds | None = None
    tree: list[Branch]
    error: ErrorInfo | None = None


class Projects(Value):
    """The newest projects."""

    kind: Literal["projects"] = "projects"
    projects: list[JsonObject]


class Refusal(Value):
    """Why one task is not done again; `code` is stable and made for programs."""

    id: str
    code: str
    message: str


class Replayed(Value):
    """What became of a replay. What is in none of the lists was not asked for."""

    kind: Literal["replayed"] = "replayed"
    replayed: list[str] = Field(description="they are open again, and are sent")
    already: list[str] = Field(default_factory=list, description="they were done again, or are under way, before")
    refused: list[Refusal] = Field(default_factory=list)
    revived: int = Field(default=0, description="how many others, stopped when these failed, run again with them")
    replays: int = Field(default=0, description="how often something in the project was opened again so far")


AnyAnswer = Accepted | Rejected | Finished | Status | Projects | Replayed
Answer = Annotated[AnyAnswer, Field(discriminator="kind")]


class Reply(Message):
    """An answer to a project, a command or a query; the AMQP `correlation_id` is the one of what it answers."""

    TYPE: ClassVar[str] = "warren.reply.v1"

    project: str | None = None
    answer: Answer
