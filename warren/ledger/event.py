"""What happened, in the words of the ledger: the closed set of events that everything else follows from.

Rows travel as plain dictionaries whose keys are column names, because they become rows of the projection as they
are. Their JSON columns (`input`, `output`, `error`, `state`, `plan`, `labels`) hold JSON text, encoded once and used
as it is in the event, in the row and in the message. One event may speak of many tasks of one owner, for the ledger
is written in batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, get_args

Row = dict[str, Any]

STOPPED_ERROR: Final = '{"code":"stopped","message":"no longer wanted"}'
"""The `error` of what was open when something above it ended; nothing that ended of itself has this code."""


@dataclass(frozen=True, slots=True)
class ProjectAccepted:
    """A project is in the ledger: `task` and `plan` are its rows."""

    TYPE: ClassVar[str] = "project.accepted"
    subject: str
    at: float
    task: Row
    plan: Row


@dataclass(frozen=True, slots=True)
class Started:
    """A coordinator has begun to carry out the project's or assignment's plan."""

    TYPE: ClassVar[str] = "plan.started"
    subject: str
    at: float


@dataclass(frozen=True, slots=True)
class Planned:
    """Tasks and assignments of one owner are to be done; `plans` has a row for each assignment."""

    TYPE: ClassVar[str] = "tasks.planned"
    subject: str
    at: float
    tasks: list[Row]
    plans: list[Row]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The broker has confirmed these tasks."""

    TYPE: ClassVar[str] = "tasks.dispatched"
    subject: str
    at: float
    ids: list[str]
    replay: int = 0
    """The replay that they were sent for; a task that was opened again since has still to be sent."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Tasks, assignments or the owner itself have ended."""

    TYPE: ClassVar[str] = "tasks.settled"
    subject: str
    at: float
    tasks: list[Row]


@dataclass(frozen=True, slots=True)
class NodesChanged:
    """Nodes of the owner's plan have begun, moved or ended; the rows are whole."""

    TYPE: ClassVar[str] = "nodes.changed"
    subject: str
    at: float
    nodes: list[Row]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything open strictly below `subject` is no longer wanted: a tombstone."""

    TYPE: ClassVar[str] = "subtree.stopped"
    subject: str
    at: float
    status: str
    error: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The outcomes of these projects or assignments have reached whoever waits for them."""

    TYPE: ClassVar[str] = "outcomes.reported"
    subject: str
    at: float
    ids: list[str]
    replay: int = 0


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Results of tasks that had been stopped came in: the outcome stays, but who ran them and when is known now."""

    TYPE: ClassVar[str] = "tasks.overtaken"
    subject: str
    at: float
    tasks: list[Row]


@dataclass(frozen=True, slots=True)
class Traced:
    """The spans of this project or assignment were taken out to be exported, or given back by who could not."""

    TYPE: ClassVar[str] = "plan.traced"
    subject: str
    at: float
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class Reopened:
    """Tasks that were given up are to be done after all, and what ended or was stopped with them goes on.

    `tasks` has the new values of each task, assignment and project, `nodes` the paths that are open again.
    """

    TYPE: ClassVar[str] = "tasks.reopened"
    subject: str
    at: float
    tasks: list[Row]
    nodes: list[str]


@dataclass(frozen=True, slots=True)
class Postponed:
    """These tasks are due then, and not before."""

    TYPE: ClassVar[str] = "tasks.postponed"
    subject: str
    at: float
    ids: list[str]
    until: float


@dataclass(frozen=True, slots=True)
class Leased:
    """Somebody is about to send these tasks, or to report these outcomes: until then the others leave them alone."""

    TYPE: ClassVar[str] = "tasks.leased"
    subject: str
    at: float
    ids: list[str]
    until: float


LedgerEvent = (
    ProjectAccepted
    | Started
    | Planned
    | Dispatched
    | Settled
    | NodesChanged
    | Stopped
    | Reported
    | Overtaken
    | Traced
    | Reopened
    | Postponed
    | Leased
)

EVENTS: Final[dict[str, type[LedgerEvent]]] = {event.TYPE: event for event in get_args(LedgerEvent)}
