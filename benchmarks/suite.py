"""Takes turns: in each round every contender once, in the next round in another order, and notes what each turn gave.

A contender lives only for its turn. So nothing but the servers runs beside it, none starts a round with the memory or
the backlog of the last one, and what it measures is warm all the same, because a warm-up run comes first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contender import Candidate, Contender, on_stage
from benchmarks.machine import load_1m
from benchmarks.services import Services
from benchmarks.usage import Usage, watched

Measure = Callable[[Contender], Awaitable[dict[str, Any]]]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One contender in one round: its figures, or the error that ended it."""

    contender: str
    round: int
    load_1m: float
    figures: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


def order_of_round(candidates: Sequence[Candidate], number: int) -> list[Candidate]:
    """The `number`th one starts, and every second round goes backwards from there."""
    backwards = number % 2
    cut = (number + backwards) % len(candidates) if candidates else 0
    turned = [*candidates[cut:], *candidates[:cut]]
    return turned[::-1] if backwards else turned


@dataclass(frozen=True, slots=True)
class Suite:
    """The candidates that are here, the servers, and how many rounds to go."""

    candidates: Sequence[Candidate]
    services: Services
    rounds: int
    tell: Tell

    async def play(self, measure: Measure) -> list[Turn]:
        """All rounds, one turn after the other. An error ends a turn, not the suite."""
        return [await self._turn(number, candidate, measure) for number, candidate in self._turns()]

    def _turns(self) -> Iterator[tuple[int, Candidate]]:
        for number in range(self.rounds):
            for candidate in order_of_round(self.candidates, number):
                yield number, candidate

    async def _turn(self, number: int, candidate: Candidate, measure: Measure) -> Turn:
        load = load_1m()
        self.tell(f"round {number + 1} of {self.rounds}: {candidate.name}")
        try:
            async with on_stage(candidate.make(self.services)) as contender:
                figures = await measure(contender)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            self.tell(f"{candidate.name} failed: {text}")
            return Turn(candidate.name, number, load, error=text)
        return Turn(candidate.name, number, load, figures)

    async def run_watched(self, contender: Contender, tasks: int) -> tuple[float, Usage]:
        """One run, and what the contender's processes and the servers used meanwhile."""
        processes = {**contender.processes(), **self.services.processes}
        async with watched(processes) as usage:
            seconds = await contender.run(tasks)
        return seconds, usage
