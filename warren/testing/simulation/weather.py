"""How long things take, and what the network and the disk do to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from warren.testing.simulation.dice import Dice

CALM_S: Final = 0.001
ROUGH_S: Final = 0.05
SLOW_S: Final = 1.5
STALLED_S: Final = 9.0


@dataclass(slots=True)
class Conditions:
    """What holds for everybody: how bad it is, from 0 to 1, and how many outages there are at the moment."""

    badness: float = 0.0
    broker_outages: int = 0
    ledger_outages: int = 0


class Weather:
    """The conditions as one process meets them, with dice of its own."""

    def __init__(self, conditions: Conditions, random: Dice) -> None:
        self._conditions = conditions
        self.random = random

    @property
    def ledger_is_down(self) -> bool:
        return self._conditions.ledger_outages > 0

    def strikes(self, chance: float) -> bool:
        """Whether something happens now that has this chance when it is as bad as can be."""
        return self.random.happens(chance * self._conditions.badness)

    async def pause(self) -> None:
        """Take a moment, or rarely a long one: other things happen meanwhile."""
        await asyncio.sleep(self._length_s())

    def _length_s(self) -> float:
        if self.strikes(0.02):
            return self.random.uniform(0, STALLED_S)
        if self.strikes(0.1):
            return self.random.uniform(0, SLOW_S)
        return self.random.uniform(0, ROUGH_S if self.strikes(0.5) else CALM_S)
