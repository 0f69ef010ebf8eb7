"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
AmqpUrl = Annotated[
    str | None,
    typer.Option(
        envvar="WARREN_AMQP_URL",
        metavar="URL",
        help="The broker. Default: the one of the cluster that `warren up` runs here.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(envvar="WARREN_DATA_DIR", help="Where `warren up` keeps its files. Default: .warren, here or above."),
]
ClusterFile = Annotated[Path, typer.Option("--cluster", "-c", envvar="WARREN_CLUSTER", help="The cluster file.")]
LedgerUrl = Annotated[
    str | None,
    typer.Option(
        envvar="WARREN_LEDGER_URL",
        metavar="URL",
        help="The ledger: sqlite:///FILE or postgresql://… Default: the one in the data folder.",
    ),
]
ManagementUrl = Annotated[
    str | None,
    typer.Option(envvar="WARREN_MANAGEMENT_URL", metavar="URL", help="The broker's management API, http://host:15672."),
]
ProjectId = Annotated[str, typer.Argument(metavar="ID", help="The project's id, or its beginning.")]

CLUSTER_FILE = Path("cluster.yaml")
