"""What `warren doctor` looks at."""

from __future__ import annotations

import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from topology.errors import ClusterFileError, ProfileRefused
from topology.profile import check_profile
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.node import HOW_TO_INSTALL, find_server
from warren.cli.deployment import deployment
from warren.cli.deployment import ledger as ledger_findings
from warren.cli.finding import Finding, listed
from warren.cli.printing import counted
from warren.cli.running import data_folder, find_running
from warren.cli.topology import drift
from warren.errors import BrokerUnavailable, WarrenError
from warren.ledger.look import look
from warren.runtime.cluster_file import read_cluster, read_playbooks
from warren.telemetry.redaction import redacted

LEAST_FREE_BYTES: Final = 500 * 1024 * 1024
"""RabbitMQ stops taking messages when its disk is nearly full."""
OLDEST_PYTHON: Final = (3, 11)


async def examine(
    cluster: Path, amqp_url: str | None, ledger_url: str | None, management_url: str | None, data_dir: Path | None
) -> list[Finding]:
    """Everything, from what always has to be there to what only this cluster needs."""
    running = find_running(data_dir)
    amqp_url = amqp_url or (running.amqp_url if running else None)
    management_url = management_url or (running.management_url if running else None)
    findings = [python(), loop(), *server(needed=amqp_url is None), postgres(), disk(data_folder(data_dir)), ports()]
    findings += [cluster_file(cluster), *[finding async for finding in ledger(ledger_url)]]
    findings += [finding async for finding in broker(cluster, amqp_url, management_url)]
    return findings


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Finding("Python", "ok", version)
    return Finding("Python", "bad", version, "Warren needs 3.11 or later")


def loop() -> Finding:
    if find_spec("uvloop") is None:
        return Finding(
            "uvloop", "note", "not installed", "messages cost about a fifth more without it: pip install uvloop"
        )
    return Finding("uvloop", "ok", "installed")


def server(*, needed: bool) -> Iterator[Finding]:
    """rabbitmq-server and the Erlang below it, which only a private node needs."""
    try:
        yield Finding("rabbitmq-server", "ok", str(find_server()))
    except BrokerUnavailable:
        yield Finding("rabbitmq-server", "bad" if needed else "note", "not installed", HOW_TO_INSTALL)
        return
    erlang = shutil.which("erl")
    version = (
        _said_by(erlang, "-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)),halt().") if erlang else ""
    )
    if version:
        yield Finding("Erlang", "ok", f"OTP {version}")
    else:
        yield Finding("Erlang", "bad", "not found", "it comes with rabbitmq-server; install that again")


def postgres() -> Finding:
    binary = shutil.which("postgres") or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/postgres")))), None
    )
    if binary is None:
        remedy = "only needed for a ledger that several machines share: apt-get install postgresql"
        return Finding("PostgreSQL", "note", "not installed; the ledger is SQLite", remedy)
    return Finding("PostgreSQL", "ok", _said_by(binary, "--version") or binary)


def disk(folder: Path) -> Finding:
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:,.1f} GB free at {place}"
    if free >= LEAST_FREE_BYTES:
        return Finding("disk", "ok", found)
    return Finding(
        "disk", "bad", found, "RabbitMQ refuses messages on a full disk: make room, or name another --data-dir"
    )


def ports() -> Finding:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        return Finding(
            "ports", "bad", f"127.0.0.1 cannot be listened on: {error.strerror}", "check the loopback interface"
        )
    return Finding("ports", "ok", "127.0.0.1 can be listened on")


def cluster_file(path: Path) -> Finding:
    if not path.exists():
        return Finding("cluster file", "note", f"{path} does not exist", "name yours with --cluster")
    try:
        cluster = read_cluster(path)
        playbooks = read_playbooks(cluster, path).names()
    except (WarrenError, ClusterFileError) as error:
        return Finding("cluster file", "bad", str(error), "correct the places that are named")
    return Finding(
        "cluster file", "ok", f"{path}: {counted(len(cluster.teams), 'team')}, {counted(len(playbooks), 'playbook')}"
    )


async def ledger(url: str | None) -> AsyncIterator[Finding]:
    if url is None:
        yield Finding("ledger", "ok", "SQLite, in the data folder")
        return
    try:
        seen = await look(url)
    except WarrenError as error:
        yield Finding("ledger", "bad", redacted(str(error)), "check WARREN_LEDGER_URL and that the database runs")
        return
    for finding in ledger_findings(seen):
        yield finding


async def broker(cluster: Path, amqp_url: str | None, management_url: str | None) -> AsyncIterator[Finding]:
    if amqp_url is None:
        yield Finding("broker", "ok", "none is named; `warren up` starts one of its own")
        return
    try:
        async with RabbitBroker(amqp_url, name="warren doctor", connect_timeout_s=5) as connected:
            version = connected.server_version
            live = await live_findings(cluster, connected, amqp_url, management_url)
    except WarrenError as error:
        yield Finding("broker", "bad", redacted(str(error)), "check WARREN_AMQP_URL and that the broker runs")
        return
    yield Finding("broker", "ok", f"RabbitMQ {version} at {redacted(amqp_url)}")
    async for finding in _topology(cluster, amqp_url, management_url, version):
        yield finding
    for finding in live:
        yield finding


async def live_findings(
    path: Path, connected: RabbitBroker, amqp_url: str, management_url: str | None
) -> list[Finding]:
    """What runs; nothing without a cluster file that says what should."""
    try:
        cluster = read_cluster(path)
    except WarrenError:
        return []
    return await deployment(cluster, connected, amqp_url, management_url)


async def _topology(path: Path, amqp_url: str, management_url: str | None, version: str) -> AsyncIterator[Finding]:
    try:
        cluster = read_cluster(path)
        check_profile(cluster.profile, version)
        differences = await drift(cluster, amqp_url, management_url) if management_url else None
    except ProfileRefused as error:
        yield Finding("profile", "bad", str(error), "change the profile in the cluster file, or the broker")
    except WarrenError as error:
        yield Finding("topology", "note", redacted(str(error)))
    else:
        yield _drifted(differences)


def _drifted(differences: list[str] | None) -> Finding:
    if differences is None:
        remedy = "name the management API in WARREN_MANAGEMENT_URL"
        return Finding("topology", "note", "not compared with the broker", remedy)
    if differences:
        return Finding("topology", "bad", listed(differences), _how_to_mend(differences))
    return Finding("topology", "ok", "the broker holds what the cluster file says")


def _how_to_mend(differences: list[str]) -> str:
    ways = {
        "is missing": "`warren topology declare` makes what is missing",
        "has no use for it": "`warren topology prune` takes away what is left over",
        "wanted": "see docs/operations.md for queues whose arguments have changed",
    }
    return "; ".join(way for words, way in ways.items() if any(words in each for each in differences))


def _said_by(program: str, *arguments: str) -> str:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
