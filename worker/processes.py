"""Processes for CPU-bound handlers. One that dies takes only its own task with it, and is replaced."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Final, Self

from warren.messages.task import Task
from warren.skills.skill import Skill
from worker.attempt import Attempt, cancelled, failed
from worker.child import ANSWER, ATTEMPTS, Report, Request, serve
from worker.running import Running

SPAWN: Final[SpawnContext] = multiprocessing.get_context("spawn")
"""A fork of a process with threads may inherit a lock that nobody will release."""
KIND_BYTES: Final = 1
JOIN_S: Final = 5.0


class Child:
    """A process and the pipe to it. `ask` blocks, and belongs in a thread."""

    def __init__(self) -> None:
        self._pipe, far_end = SPAWN.Pipe()
        self._process = SPAWN.Process(target=serve, args=(far_end,), name="warren-skill")
        self._far_end: Connection | None = far_end
        self._unwanted = False

    def ask(self, request: bytes, heard: Callable[[bytes], None]) -> bytes | None:
        """The answer to a request; None if the process died over it."""
        try:
            self._start()
            if self._unwanted:
                self._process.kill()
            self._pipe.send_bytes(request)
            while not (message := self._pipe.recv_bytes()).startswith(ANSWER):
                heard(message[KIND_BYTES:])
        except (EOFError, OSError):
            return None
        return message[KIND_BYTES:]

    def kill(self) -> None:
        """At once, from any thread, even before it has started; `ask` then returns."""
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
    def exit_code(self) -> int | None:
        self._process.join(JOIN_S)
        return self._process.exitcode

    def _start(self) -> None:
        if self._far_end is not None:
            self._process.start()
            self._far_end.close()
            self._far_end = None


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

    async def run(self, skill: Skill, task: Task, running: Running) -> Attempt:
        """One attempt of a task, in a process of its own."""
        child = self._idle.pop() if self._idle else Child()
        self._busy.add(child)
        running.kill = child.kill
        try:
            answer = await self._answer(child, skill, task, running)
        finally:
            self._busy.discard(child)
        if running.context.cancelled:
            return cancelled(running.context.reason)
        return _died(child, task) if answer is None else ATTEMPTS.validate_json(answer)

    async def _answer(self, child: Child, skill: Skill, task: Task, running: Running) -> bytes | None:
        """When nobody waits for the answer any more, the child is still at work: it has to go."""
        loop = asyncio.get_running_loop()
        request = _request(skill, task, running.context.team)
        asking = loop.run_in_executor(self._threads, child.ask, request, _hearer(loop, running))
        answer = None
        try:
            answer = await asyncio.shield(asking)
        finally:
            if answer is None:
                child.kill()
                await asking
                await asyncio.to_thread(child.close)
            else:
                self._idle.append(child)
        return answer


def _request(skill: Skill, task: Task, team: str) -> bytes:
    handler = skill.handler
    request = Request(module=handler.__module__, qualname=handler.__qualname__, team=team, task=task)
    return request.model_dump_json().encode()


def _hearer(loop: asyncio.AbstractEventLoop, running: Running) -> Callable[[bytes], None]:
    def heard(body: bytes) -> None:
        report = Report.model_validate_json(body)
        loop.call_soon_threadsafe(running.context.progress, report.fraction, report.message)

    return heard


def _died(child: Child, task: Task) -> Attempt:
    code = child.exit_code
    how = f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
    text = f"the process that ran the handler ended {how}; it may have run out of memory, or crashed in native code"
    return failed("worker_process_died", text, task.id)
