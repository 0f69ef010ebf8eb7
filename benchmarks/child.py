"""A process that a benchmark starts and, by its id, surely ends."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

GRACE_S = 3.0
MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start, with the environment variables that it gets besides ours.

    A `driven` one is talked to over its stdin and stdout; of any other, stdout goes into the log too, for a pipe that
    nobody reads would stop it one day.
    """

    role: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    driven: bool = False


class Child:
    """A running command: the leader of its own process group, what it says kept in a file."""

    def __init__(self, role: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.role = role
        self.process = process
        self._log = log

    @classmethod
    async def start(cls, command: Command, workdir: Path) -> Self:
        log = workdir / f"{command.role}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=PIPE if command.driven else DEVNULL,
                stdout=PIPE if command.driven else errors,
                stderr=errors,
                env={**os.environ, **command.environment},
                start_new_session=True,
                limit=MAX_ANSWER_BYTES,
            )
        return cls(command.role, process, log)

    @property
    def pid(self) -> int:
        return self.process.pid

    def assert_alive(self) -> None:
        """Raise RuntimeError with the end of its log if the process is gone."""
        if self.process.returncode is not None:
            raise RuntimeError(f"{self.role} ended with code {self.process.returncode}: {self.last_words()}")

    def last_words(self, characters: int = 2000) -> str:
        return self._log.read_text(errors="replace")[-characters:].strip() or "it said nothing"

    async def stop(self) -> None:
        """Ask, wait a little, then end the whole group."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self.process.communicate()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.process.wait()
