"""`warren dead drop`: forget what was given up."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated

import typer

from warren.cli.dead.choice import (
    Choice,
    Error,
    Limit,
    Named,
    Newer,
    Older,
    Project,
    Skill,
    Team,
    choice,
    insist_on_choice,
)
from warren.cli.dead.queues import ClusterFile, Place, cluster_file, opened, owners_of
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of
from warren.client import Client
from warren.client.dead_letters import LIMIT, DeadLetters
from warren.client.letter import Letter
from warren.errors import UnknownProject

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
All = Annotated[bool, typer.Option("--all", help="Drop everything that the queues hold.")]


def drop(  # noqa: PLR0913 - each is an option
    *,
    named: Named = None,
    everything: All = False,
    yes: Yes = False,
    team: Team = None,
    skill: Skill = None,
    error: Error = None,
    project: Project = None,
    older: Older = None,
    newer: Newer = None,
    limit: Limit = LIMIT,
    cluster: ClusterFile = None,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Remove dead letters for good. The ledger still knows what became of the tasks, but not their messages."""
    chosen = choice(named, skill=skill, error=error, project=project, older=older, newer=newer, team=team)
    insist_on_choice(chosen, team, everything=everything)
    owners = owners_of(team, cluster_file(cluster, data_dir))
    dropped = asyncio.run(_drop(Place(broker_of(amqp_url, data_dir), owners, limit), chosen, ask=not yes))
    if as_json:
        print_json({"dropped": dropped})
    else:
        console().print(f"{dropped} dropped")


async def _drop(place: Place, chosen: Choice, *, ask: bool) -> int:
    async with Client(place.url) as client, opened(client, place) as queues:
        meant = [(queue, await _meant(queue, chosen)) for queue in queues]
        count = sum(len(letters) for _, letters in meant)
        if not count:
            raise UnknownProject("no dead letter is meant by that")
        if ask:
            await asyncio.to_thread(typer.confirm, f"Drop {count} dead letters for good?", abort=True, err=True)
        for queue, letters in meant:
            await queue.remove(letters)
    return count


async def _meant(queue: DeadLetters, chosen: Choice) -> list[Letter]:
    now = time.time()
    return [
        replace(letter, delivery=replace(letter.delivery, body=b""))
        async for letter in queue.read()
        if chosen.takes(letter, now)
    ]
