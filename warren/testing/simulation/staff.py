"""The processes of the simulated cluster: the real roles, made as their own `__main__` makes them."""

from __future__ import annotations

from functools import partial
from typing import Final

from director.director import Director
from teamlead.teamlead import TeamLead
from topology.cluster import Cluster
from warren.ledger.ledger import Ledger
from warren.patterns.playbook import Playbooks
from warren.runtime.service import Service
from warren.testing.simulation.behaviour import Handlers
from warren.testing.simulation.dice import Dice
from warren.testing.simulation.line import Line
from warren.testing.simulation.loop import LoopClock
from warren.testing.simulation.member import Member, Surroundings
from worker.station import station
from worker.worker import Worker

REPLICAS: Final = (1, 2)


def staff(around: Surroundings, cluster: Cluster, handlers: Handlers) -> dict[str, Member]:
    """All processes by their names: two of each."""
    makes = {"director": partial(_director, around.clock, cluster)}
    for team in cluster.teams:
        makes[f"lead {team}"] = partial(_lead, around.clock, cluster, team)
        makes[f"worker {team}"] = partial(_worker, around.clock, cluster, team, handlers)
    names = {f"{sort} {number}": make for sort, make in makes.items() for number in REPLICAS}
    return {name: Member(name, around, make) for name, make in names.items()}


def names_of(cluster: Cluster) -> list[str]:
    """The names of all processes."""
    sorts = ["director", *(f"{role} {team}" for team in cluster.teams for role in ("lead", "worker"))]
    return [f"{sort} {number}" for sort in sorts for number in REPLICAS]


def _director(clock: LoopClock, cluster: Cluster, line: Line, ledger: Ledger, random: Dice) -> Service:
    skills = {team: frozenset(section.skills) for team, section in cluster.teams.items()}
    return Director(line, ledger, clock, cluster, Playbooks([], skills, cluster.limits), random.randbytes)


def _lead(clock: LoopClock, cluster: Cluster, team: str, line: Line, ledger: Ledger, _: Dice) -> Service:
    return TeamLead(line, ledger, clock, cluster, team)


def _worker(
    clock: LoopClock, cluster: Cluster, team: str, handlers: Handlers, line: Line, _: Ledger, random: Dice
) -> Service:
    stations = [station(team, handlers.skill(name), settings) for name, settings in cluster.teams[team].skills.items()]
    return Worker(team, stations, line, agent=f"worker-{team}", clock=clock, draw=random.random)
