"""`warren dead show`: one dead letter, whole."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated

import typer
from rich.text import Text

from warren.cli.dead.choice import Choice, Limit, Team, choice
from warren.cli.dead.queues import ClusterFile, Place, cluster_file, owners_of
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, moment, print_json
from warren.cli.running import broker_of
from warren.client import Client
from warren.client.dead_letters import LIMIT
from warren.client.letter import Letter
from warren.errors import UnknownProject
from warren.messages.message import JsonObject


def show(
    *,
    name: Annotated[str, typer.Argument(metavar="TASK|NUMBER", help="A task's id, or a letter's number in its queue.")],
    team: Team = None,
    limit: Limit = LIMIT,
    cluster: ClusterFile = None,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show one letter: the whole message, its error with the traceback, its attempts and times."""
    chosen = choice([name], skill=None, error=None, project=None, older=None, newer=None, team=team)
    owners = owners_of(team, cluster_file(cluster, data_dir))
    letter = asyncio.run(_find(Place(broker_of(amqp_url, data_dir), owners, limit), chosen))
    if letter is None:
        raise UnknownProject(f"there is no dead letter {name} among the first {limit} of {', '.join(owners)}")
    if as_json:
        print_json(facts_of(letter))
    else:
        _print(letter)


async def _find(place: Place, chosen: Choice) -> Letter | None:
    """The newest that is meant: a task may have been given up more than once."""
    found = None
    async with Client(place.url) as client:
        for owner in place.owners:
            async with client.dead_letters(owner, place.limit) as letters:
                async for letter in letters.read():
                    found = letter if chosen.takes(letter, time.time()) else found
    return found


def facts_of(letter: Letter) -> JsonObject:
    """All that a letter says."""
    return {
        "number": letter.number,
        "team": letter.owner,
        "kind": letter.kind,
        "skill": letter.skill,
        "tasks": [task.id for task in letter.tasks],
        "error": {
            "code": letter.code,
            "message": letter.message,
            "pointer": letter.pointer,
            "type": letter.type,
            "traceback": letter.traceback,
        },
        "attempts": letter.attempts,
        "agent": letter.agent,
        "sent_s": letter.sent_s,
        "started_s": letter.started_s,
        "given_up_s": letter.given_up_s,
        "exchange": letter.exchange,
        "routing_key": letter.routing_key,
        "message": letter.content(),
    }


def _print(letter: Letter) -> None:
    out = console()
    for name, value in _lines(letter):
        if value:
            out.print(Text.assemble((f"{name:12}", "dim"), value))
    if letter.traceback:
        out.print(Text(letter.traceback.rstrip(), style="red"))
    content = letter.content()
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)
    out.print(Text(text))


def _lines(letter: Letter) -> list[tuple[str, str]]:
    error = f"{letter.code} ({letter.type})" if letter.type else letter.code
    where = f" at {letter.pointer}" if letter.pointer else ""
    return [
        ("letter", f"{letter.number} of {letter.owner}"),
        ("task", ", ".join(task.id for task in letter.tasks)),
        ("skill", letter.skill),
        ("error", f"{error}: {letter.message}{where}"),
        ("attempts", "" if letter.attempts is None else str(letter.attempts)),
        ("given up by", letter.agent),
        ("sent", moment(letter.sent_s)),
        ("last began", moment(letter.started_s)),
        ("given up", moment(letter.given_up_s)),
        ("came from", f"{letter.exchange} {letter.routing_key}".strip()),
    ]
