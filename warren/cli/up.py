"""`warren up`: a whole cluster on this machine."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import typer

from warren.cli.house import House, Plot
from warren.cli.options import CLUSTER_FILE, AmqpUrl, AsJson, ClusterFile, DataDir, LedgerUrl
from warren.cli.running import FOLDER, owned
from warren.runtime.cluster_file import read_cluster, read_playbooks


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
    """Run broker (if none is named), director, leads and workers until Ctrl-C."""
    folder = (data_dir or FOLDER).absolute()
    staff = read_cluster(cluster)
    playbooks = read_playbooks(staff, cluster).names()
    plot = Plot(
        file=cluster.absolute(),
        cluster=staff,
        playbooks=tuple(playbooks),
        folder=folder,
        amqp_url=amqp_url,
        ledger_url=ledger_url or f"sqlite:///{folder / 'ledger.sqlite3'}",
        grace_s=grace,
    )
    with owned(folder):
        raise typer.Exit(asyncio.run(House(plot, as_json=as_json).live()))
