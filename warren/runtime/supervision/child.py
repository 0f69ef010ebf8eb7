"""One supervised process, through all its lives."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from warren.runtime import notify, tether
from warren.runtime.supervision.backoff import Backoff
from warren.runtime.supervision.command import Command
from warren.runtime.supervision.condition import Condition, State
from warren.runtime.supervision.log_file import last_words, open_log
from warren.runtime.supervision.notices import Notice

KILL_MARGIN_S: Final = 8.0
"""What a process may take beyond its grace before it is killed: it also closes its connections."""

Tell = Callable[[Condition], None]


class Child:
    """Starts a command, and starts it again with growing pauses whenever it ends, until `stop`."""

    def __init__(self, command: Command, notify_path: str, tell: Tell, backoff: Backoff) -> None:
        self.command = command
        self.condition = Condition(command.name)
        self._notify_path = notify_path
        self._tell = tell
        self._backoff = backoff
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep it alive until `stop`; cancelled, kill it."""
        try:
            while not self._stopping.is_set():
                await self._live_once()
                await self._pause()
        finally:
            await self._kill()
        self._change("stopped", pid=None)

    def hear(self, notice: Notice) -> None:
        """Take note of what the process says of itself."""
        if notice.get("READY") == "1":
            self._change("ready", health_url=notice.get("X_WARREN_HEALTH", ""))
        elif notice.get("STOPPING") == "1":
            self._change("draining")
        elif "X_WARREN_FAILED" in notice:
            self.condition = replace(self.condition, reason=notice.get("STATUS", ""))

    async def stop(self, grace_s: float) -> None:
        """Ask it to drain, and kill it if it does not."""
        self._stopping.set()
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(grace_s + KILL_MARGIN_S):
                await process.wait()
        except TimeoutError:
            await self._kill()

    async def _live_once(self) -> None:
        loop = asyncio.get_running_loop()
        born, position = loop.time(), self._log_size()
        self._process = await self._spawn()
        self._change("starting", pid=self._process.pid, health_url="", reason="")
        if self._stopping.is_set():  # asked while it was born
            self._process.terminate()
        code = await self._process.wait()
        self._process = None
        if not self._stopping.is_set():
            self._backoff = self._backoff.after_death(loop.time() - born)
            self._died(code, position)

    async def _spawn(self) -> Process:
        environment = {**self.command.environment, notify.VARIABLE: self._notify_path, tether.VARIABLE: "stdin"}
        with open_log(self.command.log) as log:
            return await asyncio.create_subprocess_exec(
                *self.command.argv,
                env=environment,
                stdin=PIPE,  # never written to: its end tells the child that we are gone
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal is for us; we take them down in order
            )

    async def _pause(self) -> None:
        if not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.pause_s):
                    await self._stopping.wait()

    async def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.shield(process.wait())

    def _died(self, code: int, position: int) -> None:
        said = last_words(self.command.log, position) if code > 0 else ""  # the killed had no time to say why
        reason = self.condition.reason or said
        how = _ending(code)
        words = f"{how}: {reason}" if reason else how
        self._change("died", reason=words, restarts=self.condition.restarts + 1, pid=None, exit_code=code)

    def _log_size(self) -> int:
        try:
            return self.command.log.stat().st_size
        except OSError:
            return 0

    def _change(self, state: State, **facts: object) -> None:
        self.condition = replace(self.condition, state=state, **facts)  # type: ignore[arg-type]
        self._tell(self.condition)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
