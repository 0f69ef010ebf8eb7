"""A RabbitMQ cluster of one's own: three nodes on this machine, any of which can be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from warren.broker.rabbit.node import GUARD, find_epmd, find_server
from warren.broker.rabbit.node_folder import USER, Identity, NodeFolder
from warren.errors import BrokerUnavailable
from warren.testing.patience import wait_until

SIZE: Final = 3
START_S: Final = 150.0
ANSWER_S: Final = 60.0
ADVANCED: Final = "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 10000}]}].\n"
"""As for production (docs/operations.md): a retry that was under way when a leader was lost goes on after 10 s."""


class RabbitCluster:
    """Three nodes, numbered from 0, that know each other.

    async with RabbitCluster(folder) as brokers:
        print(brokers.amqp_url(0))
        await brokers.kill(await brokers.leader_of("warren.director"))
    """

    def __init__(self, folder: Path) -> None:
        self._folders = [NodeFolder(folder / f"node{number}") for number in range(SIZE)]
        self._identities: list[Identity] = []
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        self._epmd: subprocess.Popen[bytes] | None = None
        self._guards: dict[int, subprocess.Popen[bytes]] = {}

    async def __aenter__(self) -> Self:
        """Raises BrokerUnavailable."""
        find_server()
        self._identities = self._related()
        try:
            for number in range(SIZE):
                self._prepare(number)
                self.start(number)
            await self.complete()
        except BaseException:
            await asyncio.to_thread(self._end)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._end)

    def amqp_url(self, number: int) -> str:
        """Of one node; user and password are the same on all."""
        identity = self._identities[number]
        return f"amqp://{USER}:{identity.password}@127.0.0.1:{identity.amqp_port}/"

    def start(self, number: int) -> None:
        """Start a node, or start it again; `complete` waits for it."""
        environment = self._environment(number)
        if self._epmd is None:
            epmd = [str(find_epmd()), "-port", environment["ERL_EPMD_PORT"], "-address", "127.0.0.1"]
            self._epmd = self._popen(number, epmd, environment)
        self._nodes[number] = self._popen(number, [str(find_server())], environment)
        self._guards[number] = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", GUARD, "guard", str(self._nodes[number].pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    async def kill(self, number: int) -> None:
        """End a node as a power cut would."""
        await asyncio.to_thread(self._end_node, number)

    async def complete(self) -> None:
        """Wait until every node sees all three."""
        for number in range(SIZE):
            _: bool = await wait_until(
                partial(self._sees_all, number), timeout_s=START_S, reason=f"node {number} sees all nodes"
            )

    async def leader_of(self, queue: str) -> int:
        """The number of the node that leads a quorum queue. Raises BrokerUnavailable."""
        for number in self._nodes:
            listed = await self._said(number, "list_queues", "--silent", "--no-table-headers", "name", "leader")
            for line in listed.splitlines():
                name, _, leader = line.partition("\t")
                if name == queue:
                    return int(leader.partition("@")[0].removeprefix("warren"))
        raise BrokerUnavailable(f"no node of the cluster leads a queue {queue!r}")

    async def _sees_all(self, number: int) -> bool:
        if (code := self._nodes[number].poll()) is not None:
            raise BrokerUnavailable(f"node {number} ended with {code}: {self._folders[number].last_words()}")
        script = f"length(rabbit_nodes:all_running()) =:= {SIZE} andalso rabbit:is_running()."
        return await self._said(number, "eval", script) == "true"

    async def _said(self, number: int, *arguments: str) -> str:
        """What rabbitmqctl prints; nothing if it fails."""
        tool = str(find_server().with_name("rabbitmqctl"))
        return await asyncio.to_thread(_output_of, [tool, *arguments], self._environment(number))

    def _related(self) -> list[Identity]:
        """The nodes' identities: ports of their own, everything else in common."""
        identities: list[Identity] = []
        for folder in self._folders:
            folder.acquire()
            identities.append(folder.identity(None))
        first = identities[0]
        return [
            replace(each, epmd_port=first.epmd_port, cookie=first.cookie, password=first.password)
            for each in identities
        ]

    def _prepare(self, number: int) -> None:
        folder = self._folders[number]
        folder.write_configuration(self._identities[number])
        (folder.path / "enabled_plugins").write_text("[].")
        (folder.path / "advanced.config").write_text(ADVANCED)
        nodes = [f"cluster_formation.classic_config.nodes.{each + 1} = {_name(each)}\n" for each in range(SIZE)]
        with (folder.path / "rabbitmq.conf").open("a") as configuration:
            configuration.write("cluster_formation.peer_discovery_backend = classic_config\n" + "".join(nodes))
            configuration.write("cluster_partition_handling = pause_minority\n")

    def _environment(self, number: int) -> dict[str, str]:
        environment = self._folders[number].environment(self._identities[number], os.environ)
        return environment | {"RABBITMQ_NODENAME": _name(number)}

    def _popen(self, number: int, command: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        folder = self._folders[number]
        with folder.output.open("ab") as output:
            return subprocess.Popen(  # noqa: S603
                command,
                env=environment,
                cwd=folder.path,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end_node(self, number: int) -> None:
        guard = self._guards.pop(number)
        guard.kill()
        guard.communicate()
        node = self._nodes.pop(number)
        node.send_signal(signal.SIGKILL)
        node.wait()

    def _end(self) -> None:
        for number in list(self._nodes):
            self._end_node(number)
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
        for folder in self._folders:
            folder.release()


def _name(number: int) -> str:
    return f"warren{number}@localhost"


def _output_of(command: Sequence[str], environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command, env=environment, cwd="/", capture_output=True, check=False, text=True, timeout=ANSWER_S
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
