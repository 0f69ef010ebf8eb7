"""What follows from a transaction once it is durable: what is to be sent, to whom, and what may be remembered."""

from __future__ import annotations

from dataclasses import dataclass, field

from warren.coordination.bundling import Skill
from warren.coordination.frame import Frame
from warren.ledger.outbox import Unsent
from warren.ledger.transaction import Owner, TaskState
from warren.messages.result import Result
from warren.messages.written import AnyEnd


@dataclass(frozen=True, slots=True)
class Ended:
    """A project or an assignment that has ended, to be reported upward."""

    owner: Owner
    outcome: AnyEnd
    ended_s: float


@dataclass(slots=True)
class Effects:
    """What is to be sent once the transaction is durable."""

    unsent: list[Unsent] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)
    stopped: dict[str, int] = field(default_factory=dict)
    """Subtrees of which nothing is wanted any more, but what is sent for replays after this one."""
    reopened: list[Owner] = field(default_factory=list)
    """Projects that had ended and go on."""
    waiting: float | None = None
    """When the first of what has to wait is due (Unix seconds)."""
    took: list[tuple[Skill, float]] = field(default_factory=list)
    """(skill, seconds) of each task that succeeded."""
    settled: list[tuple[Result, TaskState]] = field(default_factory=list)
    """What has ended, and where it stood before."""
    begun: list[Owner] = field(default_factory=list)
    """Projects and assignments whose plans have begun."""
    traces: dict[str, str] = field(default_factory=dict)
    """By owner of what has ended, the trace context that it carries."""
    frames: list[Frame] = field(default_factory=list)
    """What may be kept in memory from then on."""

    def add(self, other: Effects) -> None:
        self.unsent += other.unsent
        self.ended += other.ended
        self.stopped |= other.stopped
        self.reopened += other.reopened
        self.wait(other.waiting)
        self.took += other.took
        self.settled += other.settled
        self.begun += other.begun
        self.traces |= other.traces
        self.frames += other.frames

    def wait(self, due_at: float | None) -> None:
        """Something is due then."""
        self.waiting = earlier(self.waiting, due_at)


def earlier(first: float | None, second: float | None) -> float | None:
    return min((moment for moment in (first, second) if moment is not None), default=None)
