"""What runs right now, and what is no longer wanted."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from warren import ids
from warren.skills.context import Context

REMEMBERED: Final = 4_096
"""Cancelled subtrees; what is older is caught by the ledger, which ignores results below a tombstone."""


class Running:
    """One handler at work.

    `slot` is the asyncio task that it runs in and is cancelled with; `kill` ends the process that it runs in. A
    handler in a thread has neither, and can only be told.
    """

    __slots__ = ("context", "interrupted", "kill", "replay", "slot", "task_id")

    def __init__(self, context: Context, replay: int = 0) -> None:
        self.task_id = context.task_id
        self.replay = replay
        self.context = context
        self.slot: asyncio.Task[Any] | None = None
        self.kill: Callable[[], object] | None = None
        self.interrupted = False
        """The slot was cancelled for this task's sake, and has to be told that it may go on."""

    def cancel(self, reason: str) -> None:
        if self.context.cancelled:
            return
        self.context.cancel(reason)
        if self.slot is not None:
            self.interrupted = True
            self.slot.cancel()
        if self.kill is not None:
            self.kill()


class Handlers:
    """The handlers at work in this process, and the subtrees that were cancelled lately."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._running: set[Running] = set()
        self._unwanted: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._remembered = remembered

    def enter(self, running: Running) -> None:
        self._running.add(running)

    def leave(self, running: Running) -> None:
        self._running.discard(running)

    def count(self, skill: str) -> int:
        """How many handlers of a skill are at work."""
        return sum(running.context.skill == skill for running in [*self._running])

    def cancel(self, subtree: str, reason: str, replay: int = 0) -> int:
        """Stop what runs below `subtree`, and refuse what is still to come. Returns how many were stopped.

        What was sent for a later replay than `replay` is wanted again.
        """
        _, known = self._unwanted.get(subtree, ("", replay))
        self._unwanted[subtree] = (reason, max(replay, known))
        self._unwanted.move_to_end(subtree)
        while len(self._unwanted) > self._remembered:
            self._unwanted.popitem(last=False)
        hit = [each for each in self._running if each.replay <= replay and ids.is_within(each.task_id, subtree)]
        for running in hit:
            running.cancel(reason)
        return len(hit)

    def unwanted(self, task_id: str, replay: int = 0) -> str | None:
        """Why a task that was sent for this replay is no longer wanted; None if it is."""
        if not self._unwanted:
            return None
        place = task_id
        while place:
            reason, until = self._unwanted.get(place, ("", -1))
            if replay <= until:
                return reason
            place = place.rpartition(ids.SEPARATOR)[0]
        return None
