"""A contender made of commands: workers that consume a queue, and a client that is driven line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import Child, Command
from benchmarks.contender import Guarantees
from benchmarks.driver import drive
from benchmarks.queue_probe import delete_queues, wait_for_consumers


@dataclass(frozen=True, slots=True)
class Cast:
    """The commands of a contender and the queues it uses; the workers consume the first one."""

    workers: Sequence[Command]
    client: Command
    queues: Sequence[str]
    consumers: int


class ProcessContender:
    def __init__(self, name: str, guarantees: Guarantees, cast: Cast, *, amqp_url: str, workdir: Path) -> None:
        self.name = name
        self.guarantees = guarantees
        self._cast = cast
        self._amqp_url = amqp_url
        self._workdir = workdir
        self._workers: list[Child] = []
        self._client: Child | None = None

    async def start(self) -> None:
        for command in self._cast.workers:
            self._workers.append(await Child.start(command, self._workdir))
        await wait_for_consumers(self._amqp_url, self._cast.queues[0], self._cast.consumers, self._workers)
        self._client = await Child.start(self._cast.client, self._workdir)

    async def run(self, tasks: int) -> float:
        assert self._client is not None
        return await drive(self._client, tasks)

    async def stop(self) -> None:
        for child in self._children():
            await child.stop()
        await delete_queues(self._amqp_url, self._cast.queues)

    def processes(self) -> Mapping[str, int]:
        return {child.role: child.pid for child in self._children()}

    def _children(self) -> list[Child]:
        return self._workers + ([self._client] if self._client else [])
