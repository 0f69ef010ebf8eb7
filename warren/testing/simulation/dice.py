"""Randomness that a seed decides."""

from __future__ import annotations

from random import Random


class Dice(Random):
    """The same throws for the same seed, on every machine."""

    def happens(self, chance: float) -> bool:
        """Whether something happens that has this chance, from 0 to 1."""
        return self.random() < chance
