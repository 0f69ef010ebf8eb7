"""`warren topology`: what exists in the broker."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, assert_never

import typer

from topology.build import build
from topology.cluster import Cluster, load_cluster
from topology.definitions import definitions_json
from topology.drawing import draw
from topology.drift import compare
from topology.live import live_topology
from topology.mermaid import mermaid
from topology.profile import shortcomings
from warren.cli.options import CLUSTER_FILE, AmqpUrl, AsJson, ClusterFile, DataDir, ManagementUrl
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of, find_running
from warren.errors import InvalidInput
from warren.runtime.exit_code import ExitCode

if TYPE_CHECKING:
    from warren.cli.pruning import Pruned

app = typer.Typer(help="What exists in the broker: exchanges, queues, bindings.", no_args_is_help=True)

Format = Literal["definitions", "mermaid", "draw"]


@app.command()
def declare(
    *, cluster: ClusterFile = CLUSTER_FILE, amqp_url: AmqpUrl = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Make what the cluster file asks for and is missing; changes nothing that exists."""
    from warren.cli.preparing import declare as declare_in_broker

    wanted = load_cluster(cluster)
    version = asyncio.run(declare_in_broker(wanted, broker_of(amqp_url, data_dir)))
    topology, warnings = build(wanted), shortcomings(wanted.profile, version)
    counts = {"exchanges": len(topology.exchanges), "queues": len(topology.queues), "bindings": len(topology.bindings)}
    if as_json:
        print_json({"broker": version, **counts, "warnings": warnings})
        return
    out = console()
    out.print(f"RabbitMQ {version}: " + ", ".join(f"{count} {what}" for what, count in counts.items()) + " stand")
    for warning in warnings:
        out.print(warning, style="yellow", markup=False)


@app.command()
def check(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare the broker with the cluster file; exit code 4 if they differ."""
    wanted = load_cluster(cluster)
    differences = asyncio.run(drift(wanted, broker_of(amqp_url, data_dir), _management_of(management_url, data_dir)))
    if as_json:
        print_json({"differences": differences})
    for sentence in () if as_json else differences or ["the broker holds what the cluster file says"]:
        console().print(sentence, markup=False, style="red" if differences else "green")
    raise typer.Exit(ExitCode.DRIFT if differences else ExitCode.OK)


@app.command()
def prune(
    *,
    cluster: ClusterFile = CLUSTER_FILE,
    amqp_url: AmqpUrl = None,
    management_url: ManagementUrl = None,
    data_dir: DataDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it. Without it, only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take away queues and bindings of skills and teams that the cluster file no longer has; exit code 4 if some stay.

    A queue that holds messages or has a consumer is kept, and so are the bindings, until it has none.
    """
    from warren.cli.pruning import prune as prune_broker

    place = broker_of(amqp_url, data_dir), _management_of(management_url, data_dir)
    pruned = asyncio.run(prune_broker(load_cluster(cluster), *place, really=yes))
    if as_json:
        print_json({"removed" if yes else "would_remove": pruned.gone, "kept": pruned.kept})
    else:
        _show_pruned(pruned, really=yes)
    raise typer.Exit(ExitCode.DRIFT if pruned.kept or (pruned.gone and not yes) else ExitCode.OK)


def _show_pruned(pruned: Pruned, *, really: bool) -> None:
    for words in pruned.gone:
        console().print(f"{'removed' if really else 'would be removed'}: {words}", markup=False)
    for words in pruned.kept:
        console().print(f"kept: {words}", markup=False, style="yellow")
    if not (pruned.gone or pruned.kept):
        console().print("nothing is left over", markup=False, style="green")
    elif pruned.gone and not really:
        console().print("nothing was changed; --yes does it", markup=False)


@app.command()
def export(
    cluster: ClusterFile = CLUSTER_FILE,
    form: Annotated[Format, typer.Option("--format", "-f", help="definitions: JSON for RabbitMQ's import.")] = "draw",
    vhost: Annotated[str, typer.Option(help="The virtual host, for definitions.")] = "/",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print the topology of a cluster file; needs no broker. With --json it is one object, with the text in it."""
    text = _rendered(load_cluster(cluster), form, vhost)
    if as_json:
        text = json.dumps({"format": form, "content": json.loads(text) if form == "definitions" else text})
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise InvalidInput("output_file", f"{output} cannot be written: {error.strerror}") from None


@app.command("draw")
def draw_(cluster: ClusterFile = CLUSTER_FILE, *, as_json: AsJson = False) -> None:
    """Draw the topology of a cluster file for a person; needs no broker."""
    drawing = draw(build(load_cluster(cluster)))
    if as_json:
        print_json({"format": "draw", "content": drawing})
    else:
        sys.stdout.write(drawing if drawing.endswith("\n") else drawing + "\n")


async def drift(wanted: Cluster, amqp_url: str, management_url: str) -> list[str]:
    """How the broker differs from the cluster file, in words."""
    from warren.broker.rabbit.management import fetch_definitions

    return compare(build(wanted), live_topology(await fetch_definitions(management_url, amqp_url)))


def _rendered(cluster: Cluster, form: Format, vhost: str) -> str:
    topology = build(cluster)
    match form:
        case "definitions":
            return definitions_json(topology, vhost)
        case "mermaid":
            return mermaid(topology)
        case "draw":
            return draw(topology)
        case _:
            assert_never(form)


def _management_of(given: str | None, data_dir: Path | None) -> str:
    running = find_running(data_dir)
    found = given or (running.management_url if running is not None else None)
    if not found:
        raise InvalidInput(
            "management_url",
            "the broker's management API is needed to see what it holds: name it in WARREN_MANAGEMENT_URL or "
            "--management-url, such as http://127.0.0.1:15672",
        )
    return found
