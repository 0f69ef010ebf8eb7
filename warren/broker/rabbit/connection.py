"""A connection that is made when it is needed, and made anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_before_delay,
    stop_never,
    wait_random_exponential,
)
from yarl import URL

from warren.broker.rabbit.line import Line, LineLost, LoginRefused
from warren.broker.rabbit.outage import Outage
from warren.errors import BrokerUnavailable
from warren.log import get_logger

Result = TypeVar("Result")

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
ATTEMPT_TIMEOUT_S: Final = 10.0


class RecoveringConnection:
    """One connection of a process. Whoever needs it restores it, so nothing runs while nobody does.

    `purpose` is a word for the connection's name in the broker's console, as in "worker-1 (publish)".
    """

    def __init__(self, url: URL, *, name: str, purpose: str, outage: Outage) -> None:
        self._url = url
        self._outage = outage
        self._name = f"{name} ({purpose})"
        self._purpose = purpose
        self._line: Line | None = None
        self._closed = False
        self._lock = asyncio.Lock()
        self._obstacles: dict[object, str] = {}
        self._last_obstacle: str | None = None
        self._log = get_logger("warren.broker")
        self.lost_count = 0
        """How often it was lost and made anew."""

    @property
    def address(self) -> str:
        """Host and port: all of the URL that may be shown."""
        return f"{self._url.host}:{self._url.port}"

    @property
    def waiting_for(self) -> list[str]:
        """What keeps those that need the connection waiting."""
        blocked = self._line.blocked if self._line is not None and self._line.is_open else None
        return [*self._obstacles.values(), *([f"blocked by the broker: {blocked}"] if blocked else [])]

    @property
    def trouble(self) -> str | None:
        """What is in the way, or was when somebody last gave up."""
        return next(iter(self.waiting_for), self._last_obstacle)

    async def restore(
        self,
        setup: Callable[[Line], Awaitable[Result]],
        *,
        doing: str = "",
        limit_s: float | None = None,
        retry: type[Exception] | tuple[type[Exception], ...] = LineLost,
    ) -> Result:
        """Do `setup` on a live connection, which is made if there is none, and again while it raises `retry`.

        Goes on for ever, or until `limit_s` is over: then it raises BrokerUnavailable. `doing` says what is waited
        for while the connection itself is well.
        """
        key = object()
        self._obstacles[key] = doing or f"connecting to {self.address}"
        retrying = AsyncRetrying(
            wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
            stop=stop_never if limit_s is None else stop_before_delay(limit_s),
            retry=retry_if_exception(lambda error: isinstance(error, retry) and not self._is_final(error, limit_s)),
            before_sleep=lambda state: self._note(key, doing, state),
            reraise=True,
        )
        try:
            result: Result = await retrying(self._attempt, setup, limit_s)
        except LineLost as error:
            raise BrokerUnavailable(f"no connection to RabbitMQ at {self.address}: {error}") from error
        else:
            self._last_obstacle = None
            self._outage.over(self._purpose)
            return result
        finally:
            del self._obstacles[key]

    async def close(self) -> None:
        """Hang up for good."""
        self._closed = True
        async with self._lock:
            if self._line is not None:
                await self._line.close()
                self._line = None

    async def _attempt(self, setup: Callable[[Line], Awaitable[Result]], limit_s: float | None) -> Result:
        return await setup(await self._open(min(ATTEMPT_TIMEOUT_S, limit_s or ATTEMPT_TIMEOUT_S)))

    async def _open(self, timeout_s: float) -> Line:
        async with self._lock:
            if self._closed:
                raise BrokerUnavailable(f"the connection to RabbitMQ at {self.address} is closed")
            if self._line is None or not self._line.is_open:
                await self._replace(timeout_s)
            assert self._line is not None
            return self._line

    async def _replace(self, timeout_s: float) -> None:
        if self._line is not None:
            self._log.info("connection lost", broker=self.address, purpose=self._purpose)
            self.lost_count += 1
            lost, self._line = self._line, None
            await lost.close()
        line = Line(self._url, self._name)
        await line.connect(timeout_s)
        self._line = line
        self._log.info("connected", broker=self.address, purpose=self._purpose)

    @staticmethod
    def _is_final(error: BaseException, limit_s: float | None) -> bool:
        """A wrong password does not get right by waiting, except for one that was right before."""
        return isinstance(error, LoginRefused) and limit_s is not None

    def _note(self, key: object, doing: str, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        is_line = isinstance(error, LineLost) or not doing
        what = f"connecting to {self.address}" if is_line else doing
        self._obstacles[key] = self._last_obstacle = f"{what} ({_ordinal(state.attempt_number)} try: {error})"
        self._outage.waits(self._purpose, self._obstacles[key])


def _ordinal(number: int) -> str:
    teens = 10 <= number % 100 <= 20  # noqa: PLR2004
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
