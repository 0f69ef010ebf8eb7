"""`warren submit`: hand in a project."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from warren.broker.port import Broker
from warren.cli.given import given_input
from warren.cli.loop import complete
from warren.cli.options import CLUSTER_FILE, AmqpUrl, AsJson, ClusterFile, DataDir, LedgerUrl
from warren.cli.outcomes import show_result
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of, data_folder
from warren.cli.watching import going_on, left, watch
from warren.client import Client, PriorityName
from warren.ids import is_project_id, new_project_id
from warren.messages.message import JsonObject
from warren.telemetry.errand import errand
from warren.telemetry.publishing import Tracers
from warren.telemetry.span import Service

GRACE_S: Final = 2.0
"""A cluster of one project has nothing left to finish."""
SERVICE: Final = "cli"
"""Who a submission's span is by."""


@dataclass(frozen=True, slots=True)
class _Order:
    playbook: str
    input: JsonObject
    id: str
    timeout_s: float | None
    delay_s: float | None
    not_before: datetime | None
    priority: PriorityName


def submit(  # noqa: PLR0913 - each is an option
    *,
    playbook: Annotated[str, typer.Argument(help="The playbook's name.")],
    input_: Annotated[str | None, typer.Option("--input", "-i", help="JSON, @FILE, or - for standard input.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="One key of the input; repeatable.")
    ] = None,
    watching: Annotated[bool, typer.Option("--watch", "-w", help="Follow it, and end with its result.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Print nothing but the result, once it is there.")] = False,
    id_: Annotated[str | None, typer.Option("--id", help="A UUID; the same id is the same project.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds until it is no longer wanted.")] = None,
    delay: Annotated[float | None, typer.Option(min=0, help="Seconds before which it may not begin.")] = None,
    not_before: Annotated[
        datetime | None, typer.Option(help="The moment before which it may not begin, in this machine's zone.")
    ] = None,
    priority: Annotated[PriorityName, typer.Option(help="Who goes first.")] = "normal",
    broker: Annotated[
        Literal["auto", "memory"],
        typer.Option(help="memory: run the whole cluster within this command, without RabbitMQ, for this one project."),
    ] = "auto",
    cluster: ClusterFile = CLUSTER_FILE,
    ledger_url: LedgerUrl = None,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Hand in a project; prints its id, or with --watch its progress and its result."""
    begins = None if not_before is None else not_before.astimezone()
    project = id_.lower() if id_ and is_project_id(id_.lower()) else new_project_id(time.time(), os.urandom)
    order = _Order(playbook, given_input(input_, set_ or ()), id_ or project, timeout, delay, begins, priority)
    with errand(Service(SERVICE), project, os.environ) as tracers:
        talk = partial(_submit, order=order, watching=watching, wait=wait, as_json=as_json, tracers=tracers)
        if broker == "memory":
            from warren.ledger.ledger import sqlite_url

            url = ledger_url or sqlite_url(data_folder(data_dir) / "ledger.sqlite3")
            raise typer.Exit(complete(_within(cluster, url, partial(talk, wait=True))))
        raise typer.Exit(complete(talk(broker_of(amqp_url, data_dir))))


async def _within(cluster: Path, ledger_url: str, talk: Callable[[Broker], Awaitable[int]]) -> int:
    from warren.cli.embedded import embedded

    async with embedded(cluster, ledger_url, GRACE_S) as broker:
        return await talk(broker)


async def _submit(
    broker: str | Broker, *, order: _Order, watching: bool, wait: bool, as_json: bool, tracers: Tracers | None
) -> int:
    async with Client(broker, tracer_provider=tracers) as client:
        handle = await client.submit(
            order.playbook,
            input=order.input,
            id=order.id,
            timeout_s=order.timeout_s,
            delay_s=order.delay_s,
            not_before=order.not_before,
            priority=order.priority,
        )
        if not (watching or wait):
            print_id(handle.id, duplicate=handle.duplicate, as_json=as_json)
            return 0
        with going_on(left(handle.id) if isinstance(broker, str) else _left_in_ledger(handle.id)):
            if watching:
                await watch(handle, as_json=as_json)
            return show_result(handle.id, await handle.finished(), as_json=as_json)


def _left_in_ledger(project: str) -> str:
    return f"stopping; project {project} stays in the ledger, and goes on with the next cluster on this data folder"


def print_id(project: str, *, duplicate: bool, as_json: bool) -> None:
    if as_json:
        print_json({"id": project, "duplicate": duplicate})
    else:
        console().print(project)
