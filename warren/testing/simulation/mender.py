"""Replays what was given up of a project, as a person does who looks at its dead letters now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Final

from warren.client.client import Client
from warren.client.dead_letters import DeadLetters
from warren.client.letter import Letter
from warren.clock import Clock
from warren.errors import BrokerUnavailable, PublishFailed
from warren.messages.command import Again
from warren.messages.outcome import AnyOutcome, Cancelled, Failed
from warren.messages.reply import Replayed
from warren.testing.simulation.scenario import ReplayPolicy

LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Mender:
    """Goes on until the project has not failed. What it is told that cannot be is in `complaints`."""

    client: Client
    clock: Clock
    owners: Sequence[str]
    patience_s: float
    complaints: list[str]

    async def mended(self, project: str, policy: ReplayPolicy, outcome: AnyOutcome) -> AnyOutcome:
        """How the project ends after all."""
        while isinstance(outcome, Failed):
            with suppress(BrokerUnavailable, PublishFailed):
                await self._replay(project, policy)
            await self.clock.sleep(LOOK_EVERY_S)
            outcome = await self.client.project(project).outcome()
        if isinstance(outcome, Cancelled):
            with suppress(BrokerUnavailable, PublishFailed):
                await self._replay(project, policy, is_cancelled=True)
        return outcome

    async def _replay(self, project: str, policy: ReplayPolicy, *, is_cancelled: bool = False) -> None:
        """All that lies in the queues now, in one command."""
        async with AsyncExitStack() as stack:
            queues = [await stack.enter_async_context(self.client.dead_letters(owner)) for owner in self.owners]
            found = [(queue, letter) for queue in queues async for letter in queue.read() if project in letter.projects]
            tasks = latest(task for _, letter in found for task in letter.tasks)
            if not tasks:
                return
            answers = await asyncio.gather(*(self._asked(project, tasks, policy) for _ in range(1 + policy.twice)))
            self._check(project, answers, is_cancelled=is_cancelled)
            await self._take_away(found, answers)

    async def _asked(self, project: str, tasks: Sequence[Again], policy: ReplayPolicy) -> Replayed:
        return await self.client.project(project).replay(tasks, rate=policy.rate, limit_s=self.patience_s)

    def _check(self, project: str, answers: Sequence[Replayed], *, is_cancelled: bool) -> None:
        replayed = [task for answer in answers for task in answer.replayed]
        if is_cancelled and replayed:
            self.complaints.append(f"{replayed} of the cancelled project {project} were replayed")
        if len({*replayed}) < len(replayed):
            self.complaints.append(f"{replayed} were replayed twice by the same command")

    async def _take_away(self, found: Sequence[tuple[DeadLetters, Letter]], answers: Sequence[Replayed]) -> None:
        done = {task for answer in answers for task in (*answer.replayed, *answer.already)}
        for queue, letter in found:
            if all(task.id in done for task in letter.tasks):
                await queue.remove([letter])


def latest(tasks: Iterable[Again]) -> list[Again]:
    """Each task once, by its last attempt."""
    ordered = sorted(tasks, key=lambda task: task.attempt or 0)
    return list({task.id: task for task in ordered}.values())
