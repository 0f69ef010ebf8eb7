"""What a client has heard about one project."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from warren.broker.port import NO_HEADERS
from warren.messages.reply import Accepted, Answer, Finished, Rejected
from warren.telemetry.context import CARRIED


class Conversation:
    """Collects what the director says on its own account: accepted or rejected at once, finished in the end.

    Several submissions under one id share it, one after the other.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.submitting = asyncio.Lock()
        self.finished: asyncio.Future[Finished] = loop.create_future()
        self.trace_headers: dict[str, str] = {}
        """The W3C headers of the project's trace, as soon as an answer has brought them."""
        self._replays = 0
        self._verdict: asyncio.Future[Accepted | Rejected] | None = None

    def expect_verdict(self) -> asyncio.Future[Accepted | Rejected]:
        """What the director makes of the submission that is sent next."""
        self._verdict = asyncio.get_running_loop().create_future()
        return self._verdict

    def go_on(self, replays: int) -> None:
        """It was opened again so often so far: an end from before is none. One from since may be known already."""
        self._replays = max(self._replays, replays)
        if self.finished.done() and self.finished.result().replays < self._replays:
            self.finished = asyncio.get_running_loop().create_future()

    def hear(self, answer: Answer, headers: Mapping[str, Any] = NO_HEADERS) -> None:
        """Take note. What is said twice, or was not asked for, changes nothing."""
        self.trace_headers |= {name: str(headers[name]) for name in CARRIED if name in headers}
        match answer:
            case Finished():
                self._end(answer)
            case Accepted() | Rejected():
                self._judge(answer)
            case _:
                pass

    def _judge(self, answer: Accepted | Rejected) -> None:
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(answer)

    def _end(self, answer: Finished) -> None:
        self.go_on(answer.replays)
        if answer.replays == self._replays and not self.finished.done():
            self.finished.set_result(answer)
        self._judge(Accepted(duplicate=True))  # its own acceptance was lost on the way
