"""`warren cancel`: a project is no longer wanted."""

from __future__ import annotations

from typing import Annotated

import typer

from warren.cli.loop import complete
from warren.cli.naming import named
from warren.cli.options import AmqpUrl, AsJson, DataDir, ProjectId
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of
from warren.client import Client


def cancel(
    *,
    project: ProjectId,
    reason: Annotated[str, typer.Option(help="Why; it becomes part of the outcome.")] = "",
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a project; one that has ended stays as it is."""
    id_, status = complete(_cancel(broker_of(amqp_url, data_dir), project, reason))
    if as_json:
        print_json({"id": id_, "status": status})
    else:
        console().print(f"{id_} is {status}", markup=False)


async def _cancel(url: str, project: str, reason: str) -> tuple[str, str]:
    async with Client(url) as client:
        handle = await named(client, project)
        await handle.cancel(reason)
        return handle.id, (await handle.status()).status
