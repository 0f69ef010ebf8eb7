"""Runs a program below a guard, with its input, its output and its time bounded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, Self

from pydantic_core import from_json

from warren.skills.strays import MARK, kill_strays

GUARD: Final = str(Path(__file__).with_name("guard.py"))
CHUNK_BYTES: Final = 65_536
STDERR_TAIL_BYTES: Final = 1_500
"""An error's text holds that much; the cause is at the end."""
GUARD_MARGIN_S: Final = 5.0
"""What the guard itself may need beyond the grace before it is killed, and the program by the kernel with it."""


class Interruption(Enum):
    """Why a program was stopped from outside."""

    TIMEOUT = "it ran too long"
    TOO_MUCH = "it wrote too much"


@dataclass(frozen=True, slots=True)
class Launch:
    """One run of a program. After `timeout_s` it is asked to stop, `grace_s` later it is killed."""

    argv: Sequence[str]
    stdin: bytes
    environment: Mapping[str, str]
    folder: str
    timeout_s: float | None
    grace_s: float
    max_output_bytes: int


@dataclass(slots=True)
class Run:
    """How a run went. `code` is the exit code or the negative signal, None if the program was never started.

    `step` and `errno` say what kept it from starting; `killed` that it did not heed SIGTERM.
    """

    stdout: bytearray = field(default_factory=bytearray)
    stderr_tail: bytes = b""
    interruption: Interruption | None = None
    code: int | None = None
    killed: bool = False
    step: str = ""
    errno: int = 0


async def run_program(launch: Launch) -> Run:
    """Run it to its end. When this is cancelled, the program is stopped; nothing of it stays either way.

    Raises OSError if the arguments are more than the system can pass.
    """
    control, control_of_guard = _pipe(guard_reads=True)
    status, status_of_guard = _pipe(guard_reads=False)
    run = Run()
    with _Control(control) as stop, _Word(status) as word:
        ties = _Ties(stop, word, secrets.token_hex(8))
        try:
            await _guarded(launch, run, ties, control_of_guard, status_of_guard)
        finally:
            if not word.read():
                await _sweep(ties.mark)
        _heed(word.read(), run)
    return run


async def _guarded(launch: Launch, run: Run, ties: _Ties, control: int, status: int) -> None:
    try:
        process = await _spawn(launch, ties.mark, control, status)
    finally:
        os.close(control)
        os.close(status)
    try:
        await _converse(process, launch, run, ties)
    finally:
        ties.stop.now()
        await _gone(process, launch.grace_s + GUARD_MARGIN_S, ties.mark)


class _Control:
    """The pipe whose end tells the guard to stop the program."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.now()

    def now(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class _Word:
    """The pipe in which the guard says how it went. That it ends without a word means that the guard was lost."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._said = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._descriptor)

    def read(self) -> bytes:
        """What it has said so far."""
        with contextlib.suppress(BlockingIOError):
            self._said += os.read(self._descriptor, CHUNK_BYTES)
        return self._said

    async def last(self) -> bytes:
        """What it said, once it will say no more."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return self.read()


@dataclass(frozen=True, slots=True)
class _Ties:
    """How we reach a guard, and what all that it starts is known by."""

    stop: _Control
    word: _Word
    mark: str


async def _spawn(launch: Launch, mark: str, control: int, status: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", GUARD, str(control), str(status), str(launch.grace_s), launch.folder),
        *launch.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**launch.environment, MARK: mark},
        pass_fds=(control, status),
        start_new_session=True,
    )


async def _converse(process: asyncio.subprocess.Process, launch: Launch, run: Run, ties: _Ties) -> None:
    """Write and read until the program is gone. Whatever interrupts it only asks the guard, and goes on reading."""

    def interrupt(why: Interruption) -> None:
        run.interruption = run.interruption or why
        ties.stop.now()

    loop = asyncio.get_running_loop()
    limit = None if launch.timeout_s is None else loop.call_later(launch.timeout_s, interrupt, Interruption.TIMEOUT)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(_stream(process.stdin), launch.stdin))
            group.create_task(_tail(_stream(process.stderr), run))
            group.create_task(_replace_guard(ties))
            async for chunk in _chunks(_stream(process.stdout)):
                run.stdout += chunk
                if len(run.stdout) > launch.max_output_bytes:
                    del run.stdout[launch.max_output_bytes :]
                    interrupt(Interruption.TOO_MUCH)
            await process.wait()
    finally:
        if limit is not None:
            limit.cancel()


async def _feed(stdin: asyncio.StreamWriter, content: bytes) -> None:
    """A program need not read its input."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(content)
        await stdin.drain()
    stdin.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await stdin.wait_closed()


async def _tail(stderr: asyncio.StreamReader, run: Run) -> None:
    async for chunk in _chunks(stderr):
        run.stderr_tail = (run.stderr_tail + chunk)[-STDERR_TAIL_BYTES:]


async def _chunks(stream: asyncio.StreamReader) -> Any:
    while chunk := await stream.read(CHUNK_BYTES):
        yield chunk


async def _replace_guard(ties: _Ties) -> None:
    """Where the guard was killed its program lives on, and may keep its output open for ever."""
    if not await ties.word.last():
        await _sweep(ties.mark)


async def _gone(process: asyncio.subprocess.Process, within_s: float, mark: str) -> None:
    """Wait for the guard, and end it with all below it if it hangs."""
    try:
        async with asyncio.timeout(within_s):
            await _ended(process)
    except TimeoutError:
        await _sweep(mark)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GUARD_MARGIN_S):
                await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Read the pipes to their end: only then does asyncio close them."""
    for stream in (_stream(process.stdout), _stream(process.stderr)):
        async for _ in _chunks(stream):
            pass
    await process.wait()


async def _sweep(mark: str) -> None:
    """In a thread, and to its end even if nobody waits for it any more."""
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, kill_strays, mark))


def _heed(word: bytes, run: Run) -> None:
    """A guard that was killed has told nothing: the program is gone then, and its code unknown."""
    told = from_json(word or b"{}")
    run.code = told.get("code")
    run.killed = told.get("killed", False)
    run.step = told.get("step", "")
    run.errno = told.get("errno", 0)


def _stream(stream: Any) -> Any:
    assert stream is not None
    return stream


def _pipe(*, guard_reads: bool) -> tuple[int, int]:
    """(our end, the guard's end)"""
    read_end, write_end = os.pipe()
    return (write_end, read_end) if guard_reads else (read_end, write_end)
