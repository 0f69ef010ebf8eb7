"""`warren result`: a project's output, whoever submitted it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from warren.cli.loop import complete
from warren.cli.naming import named
from warren.cli.options import AmqpUrl, AsJson, DataDir, ProjectId
from warren.cli.outcomes import show_result
from warren.cli.running import broker_of
from warren.cli.watching import going_on, left, watch
from warren.client import Client
from warren.client.handle import ENDED
from warren.errors import UnknownProject


def result(
    *,
    project: ProjectId,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for a project that still runs.")] = True,
    watching: Annotated[bool, typer.Option("--watch", "-w", help="Follow it until then.")] = False,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print a project's output as JSON."""
    url = broker_of(amqp_url, data_dir)
    raise typer.Exit(complete(_result(url, project, wait=wait, watching=watching, as_json=as_json)))


async def _result(url: str, project: str, *, wait: bool, watching: bool, as_json: bool) -> int:
    async with Client(url) as client:
        handle = await named(client, project)
        with going_on(left(handle.id)):
            if watching:
                await watch(handle, as_json=as_json)
            elif (status := (await handle.status()).status) not in ENDED:
                _check_patience(handle.id, status, wait=wait, as_json=as_json)
            return show_result(handle.id, await handle.finished(), as_json=as_json)


def _check_patience(project: str, status: str, *, wait: bool, as_json: bool) -> None:
    """Nobody should wonder why nothing is printed."""
    if not wait:
        raise UnknownProject(f"project {project} has no result yet: it is {status}")
    if not as_json:
        sys.stderr.write(f"project {project} is {status}; waiting for its result (--no-wait does not)\n")
