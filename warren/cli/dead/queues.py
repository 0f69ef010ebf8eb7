"""Whose dead-letter queues a command looks through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from topology.cluster import load_cluster
from topology.names import DIRECTOR, is_token
from warren.cli.options import CLUSTER_FILE
from warren.cli.running import find_running
from warren.client import Client
from warren.client.dead_letters import DeadLetters
from warren.errors import InvalidInput

ClusterFile = Annotated[
    Path | None,
    typer.Option(
        "--cluster",
        "-c",
        envvar="WARREN_CLUSTER",
        help="The cluster file, for its teams and skills. Default: the running cluster's, or cluster.yaml here.",
    ),
]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: a broker, its queues' owners, and at most so many letters of each."""

    url: str
    owners: Sequence[str]
    limit: int


def cluster_file(given: Path | None, data_dir: Path | None) -> Path | None:
    """The cluster file, if there is one."""
    if given is not None:
        return given
    running = find_running(data_dir)
    if running is not None:
        return running.cluster
    return CLUSTER_FILE if CLUSTER_FILE.exists() else None


def owners_of(team: str | None, file: Path | None) -> list[str]:
    """The team that was named, else all teams of the cluster file and the director. Raises InvalidInput."""
    if team is not None:
        if not is_token(team):
            raise InvalidInput("team_invalid", f"{team!r} is no team's name")
        return [team]
    if file is None:
        raise InvalidInput("team_missing", "name a team with --team, or the cluster file with --cluster")
    return [*load_cluster(file).teams, DIRECTOR]


@asynccontextmanager
async def opened(client: Client, place: Place) -> AsyncIterator[list[DeadLetters]]:
    """All of a place's queues; what is not removed goes back to them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(client.dead_letters(owner, place.limit)) for owner in place.owners]
