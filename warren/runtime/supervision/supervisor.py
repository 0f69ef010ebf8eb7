"""Keeps a set of processes running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from warren.runtime.supervision.backoff import Backoff
from warren.runtime.supervision.child import Child, Tell
from warren.runtime.supervision.command import Command
from warren.runtime.supervision.condition import Condition
from warren.runtime.supervision.notices import Notice, notice_socket


class Supervisor:
    """The processes of one machine, seen from the one that started them."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children

    @property
    def conditions(self) -> list[Condition]:
        return [child.condition for child in self._children]

    async def stop(self, grace_s: float) -> None:
        """Take the processes down, stage by stage; those of one stage together."""
        for stage in sorted({child.command.stage for child in self._children}):
            async with asyncio.TaskGroup() as group:
                for child in self._children:
                    if child.command.stage == stage:
                        group.create_task(child.stop(grace_s))

    def hear(self, pid: int, notice: Notice) -> None:
        for child in self._children:
            if child.condition.pid == pid:
                child.hear(notice)


@asynccontextmanager
async def supervising(
    commands: Iterable[Command], tell: Tell, *, grace_s: float, backoff: Backoff | None = None
) -> AsyncIterator[Supervisor]:
    """Run the commands within this context; `tell` hears of every change. Leaving drains, an error kills.

    If this very process is killed, its processes notice by their standard input, drain and end.
    """
    children: list[Child] = []
    supervisor = Supervisor(children)
    with notice_socket(supervisor.hear) as path:
        children += [Child(command, path, tell, backoff or Backoff()) for command in commands]
        async with asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.run())
            yield supervisor
            await supervisor.stop(grace_s)
