"""From a task to the end of one attempt, in small steps."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, assert_never

from warren.clock import Clock
from warren.messages.outcome import Succeeded
from warren.messages.task import Task
from warren.skills.context import Context, Logger, Progress
from warren.skills.skill import Mode
from warren.telemetry.handling import current_headers
from worker.attempt import Attempt, cancelled, expired, failed, of_error
from worker.processes import Processes
from worker.running import Handlers, Running
from worker.station import Station
from worker.threads import Threads

CELLS: Final = 2
"""Tasks that run apart at once."""

Perform = Callable[[Station, Task, Running], Awaitable[Attempt]]


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


class Execution:
    """Runs attempts. Whatever a handler does, an attempt comes out; only the end of the worker goes through."""

    def __init__(
        self,
        clock: Clock,
        handlers: Handlers,
        threads: Threads,
        processes: Processes,
        *,
        logger: Callable[..., Logger] | None = None,
        progress: Callable[[Context, float, str], None] | None = None,
    ) -> None:
        self._clock = clock
        self._handlers = handlers
        self._threads = threads
        self._processes = processes
        self._logger = logger
        self._progress = progress
        self._cells = asyncio.Semaphore(CELLS)

    async def run(self, station: Station, task: Task, *, apart: bool = False) -> Attempt:
        """One attempt of a task; `apart`, in a process of its own wherever the handler runs otherwise."""
        refused = self._refused(task)
        if refused is not None:
            return refused
        running = Running(self._context(station, task), task.replay)
        self._handlers.enter(running)
        try:
            return await self._begun(station, task, running, apart=apart)
        except GeneratorExit:
            raise  # the coroutine itself is being closed
        except BaseException as error:  # noqa: BLE001 libraries raise their own, and a worker must not die of them
            return self._interrupted(error, station, task, running)
        finally:
            self._handlers.leave(running)

    def _refused(self, task: Task) -> Attempt | None:
        """What is no longer wanted is not begun."""
        if (reason := self._handlers.unwanted(task.id, task.replay)) is not None:
            return cancelled(reason)
        if task.deadline_s is not None and task.deadline_s <= self._clock.now():
            return expired("its deadline had passed before it was begun")
        return None

    def _interrupted(self, error: BaseException, station: Station, task: Task, running: Running) -> Attempt:
        if _was_cancelled(running):
            return cancelled(running.context.reason)
        if isinstance(error, asyncio.CancelledError) and _current_task().cancelling():
            running.context.cancel("the worker stops")
            raise error
        return of_error(error, task.id, station.skill.permanent)

    def _context(self, station: Station, task: Task) -> Context:
        context = Context(
            task.id,
            skill=station.skill.name,
            team=station.team,
            attempt=task.attempt,
            deadline_s=task.deadline_s,
            logger=self._logger,
            trace_headers=current_headers,
        )
        if self._progress is not None:
            context.report_to(self._reporter(context))
        return context

    def _reporter(self, context: Context) -> Progress:
        told = self._progress
        assert told is not None
        return lambda fraction, message: told(context, fraction, message)

    async def _begun(self, station: Station, task: Task, running: Running, *, apart: bool) -> Attempt:
        if apart and station.skill.mode is not Mode.PROCESS and station.skill.is_importable:
            return await self._apart(station, task, running)
        match station.skill.mode:
            case Mode.LOOP:
                return await self._timed(station, task, running, self._on_loop)
            case Mode.THREAD:
                return await self._timed(station, task, running, self._in_thread)
            case Mode.PROCESS:
                return await self._in_process(station, task, running)
            case _:
                assert_never(station.skill.mode)

    async def _timed(self, station: Station, task: Task, running: Running, perform: Perform) -> Attempt:
        limit_s = self._limit_s(station, task)
        if limit_s is None:
            return await perform(station, task, running)
        limit = asyncio.timeout(limit_s)
        try:
            async with limit:
                return await perform(station, task, running)
        except TimeoutError as error:
            if not limit.expired():
                return of_error(error, task.id, station.skill.permanent)
        running.context.cancel("the time is over")
        return self._out_of_time(station, task)

    def _limit_s(self, station: Station, task: Task) -> float | None:
        if task.deadline_s is None:
            return station.timeout_s
        left_s = task.deadline_s - self._clock.now()
        return left_s if station.timeout_s is None else min(left_s, station.timeout_s)

    def _out_of_time(self, station: Station, task: Task) -> Attempt:
        if task.deadline_s is not None and (station.timeout_s is None or task.deadline_s <= self._clock.now()):
            return expired("its deadline passed while it ran")
        text = f"the handler ran longer than its timeout_s of {station.timeout_s:g} s and was stopped"
        return failed("handler_timeout", text, task.id)

    async def _on_loop(self, station: Station, task: Task, running: Running) -> Attempt:
        skill = station.skill
        arguments = skill.signature.bind(task.input, running.context)
        running.slot = _current_task()
        value = await skill.handler(**arguments)
        if _was_cancelled(running):
            return cancelled(running.context.reason)
        return Attempt(Succeeded(output=skill.signature.dump(value)))

    async def _in_thread(self, station: Station, task: Task, running: Running) -> Attempt:
        """A thread cannot be stopped from outside: it is told, and waited for as long as there is time."""
        skill = station.skill
        arguments = skill.signature.bind(task.input, running.context)
        around = contextvars.copy_context()
        value = await self._threads.run(around.run, _called, skill.handler, arguments)
        if running.context.cancelled:
            return cancelled(running.context.reason)
        if isinstance(value, _Raised):
            return of_error(value.error, task.id, skill.permanent)
        return Attempt(Succeeded(output=skill.signature.dump(value)))

    async def _apart(self, station: Station, task: Task, running: Running) -> Attempt:
        """Few at once: a skill that is made for a thread may need much memory for each process."""
        async with self._cells:
            if running.context.cancelled:
                return cancelled(running.context.reason)
            return await self._in_process(station, task, running, kept=False)

    async def _in_process(self, station: Station, task: Task, running: Running, *, kept: bool = True) -> Attempt:
        async with self._processes.lent(station.skill, running, kept=kept) as child:

            async def perform(station: Station, task: Task, running: Running) -> Attempt:
                return await self._processes.run(child, station.skill, task, running)

            return await self._timed(station, task, running, perform)


def _called(handler: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Errors come back as values: a future cannot carry every exception, StopIteration would hang it."""
    try:
        return handler(**arguments)
    except BaseException as error:  # noqa: BLE001
        return _Raised(error)


def _was_cancelled(running: Running) -> bool:
    """Whether the handler was interrupted because its task is unwanted, and nothing else wants the slot to end."""
    if not running.interrupted:
        return False
    running.interrupted = False
    return _current_task().uncancel() == 0


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
