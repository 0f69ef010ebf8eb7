"""How a task of the simulation behaves; its input says so, so that any worker does the same with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from warren.messages.message import JsonObject
from warren.skills.context import Context
from warren.skills.signals import Reject, Retry
from warren.skills.skill import Skill, skill, skill_of
from warren.testing.simulation.dice import Dice

MAX_ATTEMPTS: Final = 4
GIVEN_UP: Final = ((1, "reject"), (MAX_ATTEMPTS, "error"), (MAX_ATTEMPTS + 2, "error"))
"""So many failures in that way are too many; when they are replayed they come to an end."""
QUICK_MS: Final = 40
LONG_MS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Behaviour:
    """It adds `plus`, takes `ms` milliseconds, and fails its first `fails` attempts in the way that `how` says."""

    plus: int
    ms: int
    fails: int = 0
    how: str = "error"
    is_replayed: bool = False
    """It is tried on however often it was given up."""

    @property
    def succeeds(self) -> bool:
        """Whether it does in the end."""
        return self.is_replayed or not self.fails or (self.how != "reject" and self.fails < MAX_ATTEMPTS)

    def fields(self) -> JsonObject:
        """As the fields of an item."""
        return {"plus": self.plus, "ms": self.ms, "fails": self.fails, "how": self.how}

    def literals(self) -> JsonObject:
        """As expressions of a plan."""
        return {"plus": self.plus, "ms": self.ms, "fails": self.fails, "how": f"'{self.how}'"}


def some_behaviour(random: Dice, *, may_fail_for_good: bool) -> Behaviour:
    """Most succeed at once, some after a few attempts, and a few are given up: for ever, or until they are replayed."""
    ms = random.randrange(QUICK_MS) if random.happens(0.8) else random.randrange(LONG_MS)
    plus = random.randint(1, 9)
    if may_fail_for_good and random.happens(0.15):
        return Behaviour(plus, ms, *random.choice(GIVEN_UP))
    if random.happens(0.2):
        return Behaviour(plus, ms, random.randint(1, MAX_ATTEMPTS - 1), random.choice(("error", "retry")))
    return Behaviour(plus, ms)


class Handlers:
    """The handler of all skills, and how often it was begun for each task."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()

    def skill(self, name: str) -> Skill:
        """A skill of that name. Its handler is no module's, so that no worker tries it in another process."""

        @skill(name)
        async def work(n: int, plus: int, ms: int, fails: int, how: str, context: Context) -> dict[str, Any]:
            self.begun[context.task_id] += 1
            await asyncio.sleep(ms / 1000)
            if context.attempt <= fails:
                _fail(how)
            return {"n": n + plus}

        made = skill_of(work)
        assert made is not None
        return made


def _fail(how: str) -> None:
    match how:
        case "reject":
            raise Reject("as planned")
        case "retry":
            raise Retry("as planned", after_s=0.3)
        case _:
            raise RuntimeError("as planned")
