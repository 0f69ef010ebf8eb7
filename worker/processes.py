"""Processes for CPU-bound handlers. One that dies takes only its own task with it, and is replaced."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, Final, Self, TypeVar

from warren.messages.task import Task
from warren.skills.context import Context
from warren.skills.skill import Skill
from worker.attempt import Attempt, cancelled, failed
from worker.child import ANSWER, ATTEMPTS, Report, Request, serve
from worker.running import Running

T = TypeVar("T")

SPAWN: Final[SpawnContext] = multiprocessing.get_context("spawn")
"""A fork of a process with threads may inherit a lock that nobody will release."""
KIND_BYTES: Final = 1
JOIN_S: Final = 5.0


class Child:
    """A process and the pipe to it. `start` and `ask` block, and belong in a thread."""

    def __init__(self, module: str) -> None:
        self._pipe, far_end = SPAWN.Pipe()
        self._process = SPAWN.Process(target=serve, args=(far_end, module), name="warren-skill")
        self._far_end: Connection | None = far_end
        self._unwanted = False
        self.is_idle = False
        """It waits for a request."""

    def start(self) -> None:
        """Return when it is ready, or has died over its start."""
        if self._far_end is None:
            return
        self._process.start()
        self._far_end.close()
        self._far_end = None
        if self._unwanted:
            self._process.kill()
        self.is_idle = self._received() is not None

    def ask(self, request: bytes, heard: Callable[[bytes], None]) -> bytes | None:
        """The answer to a request; None if the process died over it."""
        if not self.is_idle:
            return None
        self.is_idle = False
        try:
            self._pipe.send_bytes(request)
        except OSError:
            return None
        while (message := self._received()) is not None and not message.startswith(ANSWER):
            heard(message[KIND_BYTES:])
        self.is_idle = message is not None and not self._unwanted
        return None if message is None else message[KIND_BYTES:]

    def kill(self) -> None:
        """At once, from any thread, even before it has started; `start` and `ask` then return."""
        self._unwanted = True
        if self._process.pid is not None:
            self._process.kill()

    def close(self) -> None:
        """End it, if it has not ended, and wait for that."""
        self._pipe.close()
        if self._process.pid is not None:
            self._process.kill()
            self._process.join(JOIN_S)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        self._process.join(JOIN_S)
        return self._process.exitcode

    def _received(self) -> bytes | None:
        try:
            return self._pipe.recv_bytes()
        except (EOFError, OSError):
            return None


class Processes:
    """As many processes as tasks run at once; they are started when they are first needed, and kept.

    Each task has a process for itself while it runs, so a handler that takes its process down harms no other task.
    """

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads
        self._idle: list[Child] = []
        self._busy: set[Child] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        children = [*self._idle, *self._busy]
        for child in children:
            child.kill()
        for child in children:
            await asyncio.to_thread(child.close)

    def pids(self) -> list[int]:
        """The process ids of all of them."""
        return [child.pid for child in (*self._idle, *self._busy) if child.pid is not None]

    @asynccontextmanager
    async def lent(self, skill: Skill, running: Running, *, kept: bool = True) -> AsyncIterator[Child]:
        """A process for one task, started: what that takes is not the handler's time. Not `kept`, it has no other."""
        child = self._idle.pop() if self._idle and kept else Child(skill.handler.__module__)
        self._busy.add(child)
        running.kill = child.kill
        try:
            await self._in_thread(child, child.start)
            yield child
        finally:
            running.kill = None
            self._busy.discard(child)
            await self._take_back(child, kept=kept)

    async def run(self, child: Child, skill: Skill, task: Task, running: Running) -> Attempt:
        """One attempt of a task, in a process that is lent for it."""
        request = _request(skill, task, running.context)
        answer = await self._in_thread(child, child.ask, request, _hearer(running))
        if running.context.cancelled:
            return cancelled(running.context.reason)
        return _died(child, task) if answer is None else ATTEMPTS.validate_json(answer)

    async def _in_thread(self, child: Child, function: Callable[..., T], *arguments: Any) -> T:
        """When nobody waits for the child any more, it has to go, and its thread with it."""
        working = asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            child.kill()
            await working
            raise

    async def _take_back(self, child: Child, *, kept: bool) -> None:
        if child.is_idle and kept:
            self._idle.append(child)
        else:
            child.kill()
            await asyncio.to_thread(child.close)


def _request(skill: Skill, task: Task, context: Context) -> bytes:
    handler, trace = skill.handler, dict(context.trace_headers())
    request = Request(
        module=handler.__module__, qualname=handler.__qualname__, team=context.team, task=task, trace=trace
    )
    return request.model_dump_json().encode()


def _hearer(running: Running) -> Callable[[bytes], None]:
    loop = asyncio.get_running_loop()

    def heard(body: bytes) -> None:
        report = Report.model_validate_json(body)
        loop.call_soon_threadsafe(running.context.progress, report.fraction, report.message)

    return heard


def _died(child: Child, task: Task) -> Attempt:
    code = child.exit_code
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    text = f"the process that ran the handler ended {how}; it may have run out of memory, or crashed in native code"
    return failed("worker_process_died", text, task.id)
