"""The processes of `warren up`, from the first to the last."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from topology.cluster import Cluster
from warren.broker.rabbit.node_folder import CONSUMER_TIMEOUT_S
from warren.cli.board import Board
from warren.cli.preparing import declare, migrate, others
from warren.cli.printing import console
from warren.cli.private_broker import private_broker
from warren.cli.running import Running, RunningProcess, publish
from warren.cli.staff import staff, surroundings
from warren.errors import InvalidInput
from warren.runtime.exit_code import ExitCode
from warren.runtime.signals import stop_on_signals
from warren.runtime.supervision.condition import Condition
from warren.runtime.supervision.supervisor import supervising


@dataclass(frozen=True, slots=True)
class Plot:
    """What the house is built from."""

    file: Path
    cluster: Cluster
    suggestion: str
    """A command to go on with."""
    folder: Path
    amqp_url: str | None
    ledger_url: str
    grace_s: float


class House:
    """Prepares the ledger, opens broker and processes in this order, and closes them in reverse."""

    def __init__(self, plot: Plot, *, as_json: bool) -> None:
        self._plot = plot
        self._board = Board(console(), as_json=as_json)
        self._conditions: dict[str, Condition] = {}
        self._stop = asyncio.Event()
        self._cut_short = False
        self._is_open = False
        self._was_complete = False
        self._running: Running | None = None
        self._hopeless: str | None = None

    async def live(self) -> ExitCode:
        """Until it is told to stop. Raises InvalidInput if a process can never run as it is configured."""
        async with asyncio.TaskGroup() as group:
            living = group.create_task(self._live())
            with stop_on_signals(lambda: self._ask_to_stop(living), lambda: self._stop_now(living)):
                await asyncio.wait({living})
        if self._hopeless is not None:
            raise InvalidInput("process_unusable", self._hopeless)
        return ExitCode.FAILED if self._cut_short else ExitCode.OK

    async def _live(self) -> None:
        plot = self._plot
        async with AsyncExitStack() as stack:
            await migrate(plot.ledger_url)  # first: a wrong URL should not cost the start of a broker
            amqp_url, management_url = await stack.enter_async_context(self._broker())
            if plot.amqp_url and (warning := await others(amqp_url)):
                self._board.warn(warning)
            await declare(plot.cluster, amqp_url)
            own = {} if plot.amqp_url else {"WARREN_CONSUMER_TIMEOUT_S": f"{CONSUMER_TIMEOUT_S:g}"}
            environment = surroundings(
                {**os.environ, **own},
                amqp_url=amqp_url,
                ledger_url=plot.ledger_url,
                cluster=plot.file,
                grace_s=plot.grace_s,
            )
            commands = list(staff(plot.cluster, environment, plot.folder))
            self._running = Running(
                pid=os.getpid(),
                amqp_url=amqp_url,
                ledger_url=plot.ledger_url,
                cluster=plot.file,
                management_url=management_url,
            )
            self._conditions |= {command.name: Condition(command.name) for command in commands}
            await stack.enter_async_context(supervising(commands, self._tell, grace_s=plot.grace_s))
            self._is_open = True
            await self._stop.wait()
            self._board.say("stopping: workers first, then leads and the director; Ctrl-C again kills them")

    @asynccontextmanager
    async def _broker(self) -> AsyncIterator[tuple[str, str | None]]:
        if self._plot.amqp_url:
            yield self._plot.amqp_url, os.environ.get("WARREN_MANAGEMENT_URL")
            return
        self._board.say("starting a RabbitMQ of our own; it takes some seconds")
        async with private_broker(self._plot.folder / "broker", self._tell) as node:
            yield node.amqp_url, node.management_url

    def _tell(self, condition: Condition) -> None:
        before = self._conditions.get(condition.name)
        self._conditions[condition.name] = condition
        self._board.show(condition)
        self._publish()
        if condition.state == "died" and condition.exit_code == ExitCode.USAGE and not self._was_ready(before):
            self._hopeless = self._hopeless or f"{condition.name}: {condition.reason}"
            self._stop.set()
        self._greet_when_complete()

    @staticmethod
    def _was_ready(before: Condition | None) -> bool:
        return before is not None and before.state in {"ready", "draining"}

    def _publish(self) -> None:
        if self._running is None:
            return
        conditions = self._conditions.values()
        processes = [
            RunningProcess(name=each.name, state=each.state, pid=each.pid, health_url=each.health_url)
            for each in conditions
        ]
        try:
            publish(self._plot.folder, self._running.model_copy(update={"processes": processes}))
        except OSError as error:  # such as a full disk, which is no reason to end what runs
            self._board.say(f"cannot tell other commands where the cluster is: {error}")

    def _greet_when_complete(self) -> None:
        if self._was_complete or self._running is None:
            return
        if all(condition.state == "ready" for condition in self._conditions.values()):
            self._was_complete = True
            self._board.say("the cluster is up (Ctrl-C stops it); in another terminal, in this folder:")
            self._board.say(f"    {self._plot.suggestion}")

    def _ask_to_stop(self, living: asyncio.Task[None]) -> None:
        self._stop.set()
        if not self._is_open:
            living.cancel()

    def _stop_now(self, living: asyncio.Task[None]) -> None:
        self._cut_short = True
        living.cancel()
