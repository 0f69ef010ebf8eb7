"""`warren up`: a whole cluster on this machine."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from warren.cli.loop import complete
from warren.cli.options import CLUSTER_FILE, AmqpUrl, AsJson, ClusterFile, DataDir, LedgerUrl
from warren.cli.printing import console
from warren.cli.running import FOLDER, owned
from warren.runtime.cluster_file import read_cluster, read_playbooks
from warren.runtime.exit_code import ExitCode
from warren.runtime.signals import stop_on_signals
from warren.runtime.supervision.condition import Condition

if TYPE_CHECKING:
    from warren.cli.house import Plot


def up(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    amqp_url: AmqpUrl = None,
    ledger_url: LedgerUrl = None,
    data_dir: DataDir = None,
    broker: Annotated[
        Literal["auto", "memory"],
        typer.Option(help="auto: the one named, else a private RabbitMQ. memory: everything in this one process."),
    ] = "auto",
    grace: Annotated[float, typer.Option(min=0, help="Seconds that each process gets to finish what it does.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Run broker (if none is named), director, leads and workers until Ctrl-C.

    With --broker memory other commands cannot reach it: it goes on with what its ledger holds. To run one project so,
    use warren submit --broker memory.
    """
    from warren.cli.house import House, Plot
    from warren.cli.suggestion import suggestion
    from warren.ledger.ledger import sqlite_url

    folder = (data_dir or FOLDER).absolute()
    staff = read_cluster(cluster)
    playbooks = read_playbooks(staff, cluster)
    plot = Plot(
        file=cluster.absolute(),
        cluster=staff,
        suggestion=suggestion(playbooks, folder),
        folder=folder,
        amqp_url=amqp_url,
        ledger_url=ledger_url or sqlite_url(folder / "ledger.sqlite3"),
        grace_s=grace,
    )
    with owned(folder):
        live = _in_memory(plot, as_json=as_json) if broker == "memory" else House(plot, as_json=as_json).live()
        raise typer.Exit(complete(live))


async def _in_memory(plot: Plot, *, as_json: bool) -> int:
    from warren.cli.board import Board
    from warren.cli.embedded import embedded

    stop, board = asyncio.Event(), Board(console(), as_json=as_json)
    with stop_on_signals(stop.set, lambda: os._exit(ExitCode.FAILED)):
        async with embedded(plot.file, plot.ledger_url, plot.grace_s):
            board.show(Condition("cluster in memory", "ready", pid=os.getpid()))
            await stop.wait()
    board.show(Condition("cluster in memory", "stopped"))
    return ExitCode.OK
