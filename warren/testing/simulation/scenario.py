"""What a seed stands for: what is submitted, and what goes wrong when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from topology.cluster import Cluster
from warren.ids import new_project_id
from warren.messages.message import JsonObject
from warren.testing.simulation.behaviour import MAX_ATTEMPTS
from warren.testing.simulation.dice import Dice
from warren.testing.simulation.loop import START_S
from warren.testing.simulation.puzzle import PuzzleMaker
from warren.testing.simulation.staff import names_of

SKILLS: Final[Mapping[str, Sequence[str]]] = {"ants": ("dig", "carry"), "bees": ("fly", "hum")}
SUBMITTED_WITHIN_S: Final = 10.0
STORM_S: Final = 15.0
"""How long things go wrong; what begins in it may last a little longer."""
MOST_BLOWS_TO_WORKERS: Final = 7
"""A task that loses its worker more often than `worker.suspicion` allows is given up, and rightly so."""
MOST_BLOWS: Final = 9
"""A quorum queue hands out a message so often, and then gives it up."""

Sort = Literal["crash", "kill", "drain", "cut", "client cut", "broker outage", "ledger outage"]
SORTS: Final[Sequence[Sort]] = (
    *("crash",) * 6, *("kill",) * 2, *("drain",) * 2, *("cut",) * 4, "client cut", "broker outage",
    *("ledger outage",) * 2,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blow:
    """Something that goes wrong. A crash comes `steps` steps of the process later; all of it lasts `for_s`."""

    at_s: float
    sort: Sort
    whom: str
    for_s: float
    steps: int = 0


@dataclass(frozen=True, slots=True)
class ReplayPolicy:
    """How what was given up is replayed, until nothing is: `rate` in tasks per second, or each command twice."""

    rate: float | None
    twice: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A project, when it comes, what is done with it meanwhile, and how it may end."""

    id: str
    plan: JsonObject
    n: int
    output: int | None
    """None if it is bound to fail."""
    may_fail: bool
    """Some of its tasks may fail for good, and some of its nodes tolerate that."""
    at_s: float
    priority: int
    again_at_s: float | None = None
    cancel_at_s: float | None = None
    timeout_s: float | None = None
    replay: ReplayPolicy | None = None
    """What is done when it has failed."""

    @property
    def is_decided(self) -> bool:
        """Whether its output can be told beforehand: a deadline takes retries away, and what fails may be tolerated."""
        return self.timeout_s is None or not self.may_fail

    @property
    def statuses(self) -> set[str]:
        """How it may end."""
        natural = {"failed" if self.output is None else "succeeded"}
        cancelled = set() if self.cancel_at_s is None else {"cancelled"}
        # a retry that would begin after the deadline is not waited for: then the failure is the end
        late = set() if self.timeout_s is None else {"expired", "failed"}
        return natural | cancelled | late


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a seed decides before the run; the dice of the run come from the seed, too."""

    seed: int
    cluster: Cluster
    submissions: Sequence[Submission]
    blows: Sequence[Blow]
    badness: float


def scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Dice(f"scenario {seed}")
    cluster = _cluster(random)
    submissions = [_submission(random) for _ in range(random.randint(1, 3))]
    badness = random.choice((0.0, 0.3, 0.6, 1.0))
    return Scenario(seed, cluster, submissions, _blows(random, names_of(cluster)), badness)


def _cluster(random: Dice) -> Cluster:
    return Cluster.model_validate(
        {
            "version": 1,
            "profile": random.choice(("classic", "quorum")),
            "teams": {team: {"skills": {name: _skill(random) for name in names}} for team, names in SKILLS.items()},
        }
    )


def _skill(random: Dice) -> JsonObject:
    bundle = random.choice(("auto", 1, 2, 5))
    concurrency = random.choice((1, 2, 8))
    return {"max_attempts": MAX_ATTEMPTS, "base_s": 0.5, "cap_s": 4.0, "bundle": bundle, "concurrency": concurrency}


def _submission(random: Dice) -> Submission:
    replay = ReplayPolicy(random.choice((None, None, 5.0)), random.happens(0.3)) if random.happens(0.25) else None
    may_fail = replay is not None or random.happens(0.3)
    puzzle = PuzzleMaker(
        Dice(f"puzzle {random.random()}"),
        SKILLS,
        may_fail=may_fail,
        tolerates=replay is None,
        is_replayed=replay is not None,
    ).make()
    n, at_s = random.randrange(100), random.uniform(0, SUBMITTED_WITHIN_S)
    return Submission(
        id=new_project_id(START_S, random.randbytes),
        plan=puzzle.plan,
        n=n,
        output=puzzle.reckon({"input.n": n}),
        may_fail=may_fail,
        replay=replay,
        at_s=at_s,
        priority=random.choice((1, 4, 6, 9)),
        again_at_s=at_s + random.uniform(0, 8) if random.happens(0.3) else None,
        cancel_at_s=at_s + random.uniform(0, 8) if random.happens(0.15) else None,
        timeout_s=random.uniform(0.5, 15) if replay is None and random.happens(0.15) else None,
    )


def _blows(random: Dice, members: Sequence[str]) -> list[Blow]:
    blows: list[Blow] = []
    for _ in range(random.randint(0, MOST_BLOWS)):
        blow = _blow(random, members)
        if _strikes_workers(blow) and sum(map(_strikes_workers, blows)) >= MOST_BLOWS_TO_WORKERS:
            continue
        blows.append(blow)
    return sorted(blows, key=lambda blow: blow.at_s)


def _blow(random: Dice, members: Sequence[str]) -> Blow:
    sort: Sort = random.choice(SORTS)
    at_s, for_s = random.uniform(0, STORM_S), random.choice((0.01, 0.5, 6.0)) * random.random()
    return Blow(at_s, sort, random.choice(members), for_s, random.randrange(12))


def _strikes_workers(blow: Blow) -> bool:
    """What is given back by a drain is not held against a task."""
    return blow.sort == "broker outage" or (blow.whom.startswith("worker") and blow.sort != "drain")
