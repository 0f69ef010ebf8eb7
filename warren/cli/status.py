"""`warren status`: where projects stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from warren.cli.loop import complete
from warren.cli.naming import named
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, moment, print_json, print_whole, span
from warren.cli.project_tree import STYLES, draw
from warren.cli.running import broker_of
from warren.client import Client
from warren.messages.message import JsonObject


def status(
    *,
    project: Annotated[str | None, typer.Argument(metavar="[ID]", help="A project; without it, the newest.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many projects to list.")] = 20,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a project's tree, or the newest projects."""
    url = broker_of(amqp_url, data_dir)
    complete(_list(url, limit, as_json=as_json) if project is None else _show(url, project, as_json=as_json))


async def _show(url: str, project: str, *, as_json: bool) -> None:
    async with Client(url) as client:
        found = await (await named(client, project)).status()
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_whole(draw(found, time.time()))


async def _list(url: str, limit: int, *, as_json: bool) -> None:
    async with Client(url) as client:
        projects = await client.projects(limit)
    if as_json:
        print_json(projects)
    elif projects:
        for line in _lines(projects):
            console().print(line)
    else:
        console().print("no projects yet; hand one in with `warren submit`")


def _lines(projects: list[JsonObject]) -> Iterator[Text]:
    """One line each; never folded or cut: an id that is cut is of no use."""
    for project in projects:
        state = str(project["status"])
        began, ended = project["accepted_s"], project["ended_s"]
        took = span((ended or time.time()) - began)
        yield Text.assemble(
            str(project["id"]),
            (f"  {state:9}", STYLES.get(state, "")),
            f"  {project['playbook'] or '(plan)':20}",
            (f"  {moment(began)}  {took}", "dim"),
        )
