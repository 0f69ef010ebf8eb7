"""One service as one process: logs, health, signals, a start-up line and an exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from warren.clock import SystemClock
from warren.errors import InvalidInput, WarrenError
from warren.runtime import tether
from warren.runtime.exit_code import ExitCode
from warren.runtime.failure import exit_code_of, in_words, root_of
from warren.runtime.furniture import set_aside
from warren.runtime.health import Health, HealthServer
from warren.runtime.heartbeat import Heartbeat
from warren.runtime.leaving import leave
from warren.runtime.notify import Notifier
from warren.runtime.readiness import Readiness
from warren.runtime.service import DRAIN_MARGIN_S, ServiceFactory, host
from warren.runtime.settings import ServiceSettings, is_named, load, misspelt
from warren.runtime.signals import stop_on_signals
from warren.telemetry import contract
from warren.telemetry.logs import bind, configure_logs, get_logger
from warren.telemetry.span import Service as Who
from warren.telemetry.telemetry import Telemetry

S = TypeVar("S", bound=ServiceSettings)

TEARDOWN_S: Final = 5.0
"""What closing the connections to broker and ledger may take, on top of the drain."""


def main(
    role: str, model: type[S], factory: Callable[[S], ServiceFactory], arguments: Sequence[str] | None = None
) -> int:
    """What a role's `__main__` calls: `sys.exit(main("director", DirectorSettings, director))`.

    Without `arguments` it is the whole process, which then ends.
    """
    if arguments is None:
        return leave(_run(role, model, factory, sys.argv[1:]))
    return _run(role, model, factory, arguments)


def _run(role: str, model: type[S], factory: Callable[[S], ServiceFactory], arguments: Sequence[str]) -> int:
    try:
        settings = load(model, arguments, f"python -m {role}")
        return run_service(factory(settings), settings, role)
    except InvalidInput as error:
        sys.stderr.write(f"{role}: {error}\n")
        Notifier(os.environ).failed(str(error))
        return ExitCode.USAGE


def run_service(factory: ServiceFactory, settings: ServiceSettings, role: str) -> int:
    """Run one service until it ends, fails, or is told to stop. Returns the exit code of the process."""
    configure_logs(settings.log, settings.log_level)
    bind(role=role, agent=settings.agent)
    tether.tie(os.environ, settings.grace_s + DRAIN_MARGIN_S + TEARDOWN_S)
    telemetry = Telemetry(Who(role, settings.agent), SystemClock(), os.environ)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(Process(factory, settings, role, telemetry).run())


class Process:
    """The life of one process."""

    def __init__(self, factory: ServiceFactory, settings: ServiceSettings, role: str, telemetry: Telemetry) -> None:
        self._factory = factory
        self._settings = settings
        self._role = role
        self._telemetry = telemetry
        self._readiness = Readiness()
        self._notifier = Notifier(os.environ)
        self._stop = asyncio.Event()
        self._cut_short = False
        self._log = get_logger("warren.process")

    async def run(self) -> ExitCode:
        """Live, and say how it ended."""
        for sentence in misspelt(type(self._settings), os.environ):
            self._log.warning(sentence)
        if not is_named(self._settings, "amqp_url"):
            self._log.warning("no broker is named in WARREN_AMQP_URL or --amqp-url: this machine's own is used")
        try:
            async with self._telemetry:
                await self._live()
        except Exception as error:  # noqa: BLE001
            return self._failed(error)
        self._log.info("cut short" if self._cut_short else "stopped")
        return ExitCode.FAILED if self._cut_short else ExitCode.OK

    async def _live(self) -> None:
        heartbeat = Heartbeat()
        async with asyncio.TaskGroup() as group, self._health(heartbeat) as health_url:
            aside = [group.create_task(heartbeat.run()), group.create_task(self._telemetry.run())]
            serving = group.create_task(self._serve(health_url))
            with stop_on_signals(lambda: self._drain(serving), lambda: self._stop_now(serving)):
                await asyncio.wait({serving})
            for task in aside:
                task.cancel()

    async def _serve(self, health_url: str | None) -> None:
        self._telemetry.metrics.watch(contract.READY, lambda: float(not self._readiness.waiting_for()))
        async with self._factory(self._readiness, self._telemetry) as service:
            set_aside()
            self._readiness.mark_started()
            self._announce(health_url)
            await host(service, self._stop, self._settings.grace_s)

    def _drain(self, serving: asyncio.Task[None]) -> None:
        self._log.info("stopping", grace_s=self._settings.grace_s)
        self._notifier.stopping()
        self._readiness.mark_draining()
        self._stop.set()
        if not self._readiness.started:
            serving.cancel()

    def _stop_now(self, serving: asyncio.Task[None]) -> None:
        self._cut_short = True
        serving.cancel()

    def _announce(self, health_url: str | None) -> None:
        facts = {"pid": os.getpid(), "broker": str(self._settings.amqp_url), "health": health_url or "off"}
        self._log.info(f"{self._role} is ready", **facts)
        self._notifier.ready(health_url or "")

    def _failed(self, error: Exception) -> ExitCode:
        reason = in_words(error)
        root = root_of(error)
        self._log.error(f"{self._role} failed: {reason}", exc_info=None if isinstance(root, WarrenError) else root)
        self._notifier.failed(reason)
        return exit_code_of(error)

    @asynccontextmanager
    async def _health(self, heartbeat: Heartbeat) -> AsyncIterator[str | None]:
        if self._settings.health_port is None:
            yield None
            return
        who = {"role": self._role, "agent": self._settings.agent}
        health = Health(self._readiness, heartbeat, who)
        address = (self._settings.health_host, self._settings.health_port)
        async with HealthServer(health, *address, metrics=self._telemetry.page) as server:
            yield server.url


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed: it halves what a message costs."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
