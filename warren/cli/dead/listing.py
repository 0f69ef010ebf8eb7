"""`warren dead list`: what was given up, by cause."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from rich.text import Text

from warren.cli.dead.causes import Causes, Group
from warren.cli.dead.choice import Choice, Error, Limit, Newer, Older, Project, Skill, Team, choice
from warren.cli.dead.queues import ClusterFile, Place, cluster_file, owners_of
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, moment, print_json
from warren.cli.running import broker_of
from warren.client import Client
from warren.client.dead_letters import LIMIT

MAX_SHOWN_CHARS = 100


def list_(  # noqa: PLR0913 - each is an option
    *,
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
    """List what was given up, grouped by team, skill and error, the largest group first."""
    chosen = choice(None, skill=skill, error=error, project=project, older=older, newer=newer, team=team)
    owners = owners_of(team, cluster_file(cluster, data_dir))
    causes, left_out = asyncio.run(_collect(Place(broker_of(amqp_url, data_dir), owners, limit), chosen))
    groups = causes.largest_first()
    if as_json:
        print_json({"groups": [group.facts() for group in groups], "not_looked_at": left_out})
        return
    for line in _lines(groups) if groups else [Text("nothing was given up")]:
        console().print(line)
    if left_out:
        console().print(f"{left_out} more were not looked at; raise --limit", style="yellow")


async def _collect(place: Place, chosen: Choice) -> tuple[Causes, int]:
    causes, left_out, now = Causes(), 0, time.time()
    async with Client(place.url) as client:
        for owner in place.owners:
            async with client.dead_letters(owner, place.limit) as letters:
                left_out += max(0, letters.in_queue - place.limit)
                async for letter in letters.read():
                    if chosen.takes(letter, now):
                        causes.add(letter)
    return causes, left_out


def _lines(groups: list[Group]) -> Iterator[Text]:
    for group in groups:
        what = f"{group.owner}/{group.skill}" if group.skill else f"{group.owner} ({group.kind})"
        error = f"{group.code} ({group.type})" if group.type else group.code
        yield Text.assemble(
            (f"{group.letters:6}", "bold"),
            f"  {what}  ",
            (error, "red"),
            (f"  {moment(group.oldest_s)} … {moment(group.newest_s)}", "dim"),
        )
        yield Text(f"        {group.message.strip()[:MAX_SHOWN_CHARS]}", style="dim")
        if group.task:
            yield Text(f"        such as {group.task}", style="dim")
