"""A real cluster for tests: director, leads and workers as processes of this machine, on a broker of the test's choice.

    async with RealCluster(folder / "cluster.yaml", amqp_url) as cluster:
        await cluster.ready()
        cluster.kill("worker scouts")

What they log is kept beside the cluster file, in `<process>.log`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from topology.build import build
from topology.cluster import Cluster, load_cluster
from warren.broker.rabbit.broker import RabbitBroker
from warren.ledger.ledger import sqlite_url
from warren.testing.patience import wait_until

READY_S: Final = 60.0
STOP_S: Final = 15.0
ANSWER_S: Final = 5.0
OK: Final = 200


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the cluster."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    command: tuple[str, ...] = ()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def health_url(self) -> str | None:
        """Where its health endpoints are, once it has said so."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                fact = json.loads(line)
                if "health" in fact:
                    return str(fact["health"])
        return None

    async def says(self, question: str) -> bool:
        """Whether it answers yes to `livez`, `readyz` or `startupz`."""
        url = self.health_url
        return url is not None and await asyncio.to_thread(_is_ok, f"{url}/{question}")

    async def waits_for(self) -> dict[str, str]:
        """By what it stands on, what it says that it waits for; empty if it is ready."""
        url = self.health_url
        assert url is not None, f"{self.name} has not said yet where its health endpoints are"
        return await asyncio.to_thread(_waiting_for, f"{url}/readyz")


class RealCluster:
    """Declares the topology and starts one director, and one lead and one worker for each team.

    The ledger is an SQLite file beside the cluster file, unless `ledger_url` names another.
    """

    def __init__(self, file: Path, amqp_url: str, *, ledger_url: str | None = None) -> None:
        self.amqp_url = amqp_url
        self.ledger_url = ledger_url or sqlite_url(file.parent / "ledger.sqlite3")
        self.members: dict[str, Member] = {}
        self.file = file
        self._stack = ExitStack()

    async def __aenter__(self) -> Self:
        cluster = load_cluster(self.file)
        async with RabbitBroker(self.amqp_url, name="test") as broker:
            await broker.declare(build(cluster))
        try:
            for name, command in _commands(cluster).items():
                self.start(name, *command)
        except BaseException:
            self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._stop)

    def start(self, name: str, *command: str) -> Member:
        """One more process, or one in the place of one that was killed: `start("director 2", "director")`."""
        log = self.file.parent / f"{name.replace(' ', '-')}.log"
        output = self._stack.enter_context(log.open("wb"))
        member = self.members[name] = Member(name, self._popen(command, output), log, command)
        return member

    def kill(self, name: str) -> None:
        """`kill -9` for one process."""
        process = self.members.pop(name).process
        process.kill()
        _wait(process)

    def restart(self, name: str) -> Member:
        """`kill -9` for one process, and another one in its place."""
        command = self.members[name].command
        self.kill(name)
        return self.start(name, *command)

    @property
    def pids(self) -> dict[str, int]:
        """By name, the processes that are alive."""
        return {name: member.pid for name, member in self.members.items() if member.process.poll() is None}

    async def ready(self) -> None:
        """Wait until all processes are ready; says what a process logged that has ended instead."""
        for member in self.members.values():
            check = partial(self._is_ready, member)
            _: bool = await wait_until(check, timeout_s=READY_S, reason=f"{member.name} is ready")

    async def not_alive(self) -> list[str]:
        """The processes that have ended or are stuck."""
        return [name for name, member in self.members.items() if not await member.says("livez")]

    async def _is_ready(self, member: Member) -> bool:
        if (code := member.process.poll()) is not None:
            raise AssertionError(f"{member.name} ended with {code}: {member.log.read_text(errors='replace')[-3000:]}")
        return await member.says("readyz")

    def _popen(self, command: tuple[str, ...], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Its standard input is the tether: when this process is gone, so are they."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *command],
            cwd=self.file.parent,
            env={**os.environ, **self._settings()},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _settings(self) -> dict[str, str]:
        return {
            "WARREN_AMQP_URL": self.amqp_url,
            "WARREN_CLUSTER": str(self.file),
            "WARREN_LEDGER_URL": self.ledger_url,
            "WARREN_LOG": "json",
            "WARREN_TETHER": "stdin",
        }

    def _stop(self) -> None:
        processes = [member.process for member in self.members.values()]
        for process in processes:
            process.terminate()
        for process in processes:
            _wait(process)
        self._stack.close()


def _commands(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    commands: dict[str, tuple[str, ...]] = {"director": ("director",)}
    for team in cluster.teams:
        commands[f"lead {team}"] = ("teamlead", "--team", team)
        commands[f"worker {team}"] = ("worker", "--team", team)
    return commands


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _is_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310
            return bool(answer.status == OK)
    except (OSError, urllib.error.HTTPError):
        return False


def _waiting_for(url: str) -> dict[str, str]:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310
            said = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            said = json.loads(error.read())
    return dict(said.get("waiting_for", {}))
