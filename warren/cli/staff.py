"""Which processes a cluster file asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from topology.cluster import Cluster
from warren.runtime.supervision.command import Command

WORKERS, LEADS, DIRECTOR = range(3)
"""The order in which they are taken down: results that workers still send are settled by those above."""
LOGS: Final = "logs"


def staff(cluster: Cluster, environment: Mapping[str, str], folder: Path) -> Iterator[Command]:
    """The director, and each team's leads and workers."""
    yield _command("director", ("director",), environment, folder, DIRECTOR)
    for team, settings in cluster.teams.items():
        for number in range(settings.leads):
            yield _command(_name("lead", team, number, settings.leads), ("teamlead", team), environment, folder, LEADS)
        for number in range(settings.workers):
            name = _name("worker", team, number, settings.workers)
            yield _command(name, ("worker", team), environment, folder, WORKERS)


def surroundings(
    outer: Mapping[str, str], *, amqp_url: str, ledger_url: str, cluster: Path, grace_s: float
) -> dict[str, str]:
    """The environment of every process; what is not said here is as in `outer`."""
    health = {} if outer.get("WARREN_HEALTH_PORT", "").lower() in {"off", "none"} else {"WARREN_HEALTH_PORT": "0"}
    return {
        **outer,
        **health,
        "WARREN_AMQP_URL": amqp_url,
        "WARREN_LEDGER_URL": ledger_url,
        "WARREN_CLUSTER": str(cluster),
        "WARREN_GRACE_S": str(grace_s),
        "WARREN_AGENT": "",  # each makes its own
        "PYTHONUNBUFFERED": "1",
    }


def _name(role: str, team: str, number: int, of: int) -> str:
    return f"{role}-{team}" if of == 1 else f"{role}-{team}-{number + 1}"


def _command(
    name: str, module_and_team: tuple[str, ...], environment: Mapping[str, str], folder: Path, stage: int
) -> Command:
    module, *team = module_and_team
    argv = (sys.executable, "-m", module, *(word for name_ in team for word in ("--team", name_)))
    return Command(name, argv, environment, folder / LOGS / f"{name}.log", stage)
