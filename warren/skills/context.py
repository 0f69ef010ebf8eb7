"""What a handler is told about the task it runs, and what it can tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from warren.skills.signals import TaskCancelled


class Logger(Protocol):
    """Takes an event in words and facts by name: `context.logger.info("fetched", pages=3)`."""

    def debug(self, event: str, **facts: Any) -> Any: ...
    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...
    def error(self, event: str, **facts: Any) -> Any: ...
    def exception(self, event: str, **facts: Any) -> Any: ...


Progress = Callable[[float, str], None]
"""Takes how much is done, from 0 to 1, and a few words."""


def _unheard(_fraction: float, _message: str) -> None:
    """Where progress goes that nobody asked for."""


class Context:
    """Ask for it with a parameter annotated `Context`; every method may be called from any thread.

    >>> Context("0190/3", skill="fetch").idempotency_key
    '0190/3'
    """

    __slots__ = (
        "_cancelled",
        "_logger",
        "_progress",
        "attempt",
        "deadline_s",
        "reason",
        "skill",
        "task_id",
        "team",
        "trace_headers",
    )

    def __init__(
        self,
        task_id: str,
        *,
        skill: str = "",
        team: str = "",
        attempt: int = 1,
        deadline_s: float | None = None,
        progress: Progress = _unheard,
        logger: Callable[..., Logger] | None = None,
        trace_headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.task_id = task_id
        self.skill = skill
        self.team = team
        self.attempt = attempt
        self.deadline_s = deadline_s
        """When nobody wants the output any more (Unix seconds)."""
        self.reason = ""
        """Why it was cancelled."""
        self.trace_headers = trace_headers
        """Gives W3C `traceparent`, `tracestate` and `baggage` for what the handler calls; empty if nobody traces."""
        self._progress = progress
        self._logger = logger
        self._cancelled = False

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt and every delivery of the task, and no other task has it."""
        return self.task_id

    @property
    def cancelled(self) -> bool:
        """Whether to stop: nobody wants the output any more, or the time is over."""
        return self._cancelled

    @property
    def logger(self) -> Logger:
        """A logger that says in every line which task and attempt it is about."""
        bind = self._logger or _PlainLogger
        return bind(task=self.task_id, skill=self.skill, attempt=self.attempt)

    def progress(self, fraction: float, message: str = "") -> None:
        """Tell whoever watches how much is done, from 0 to 1. Cheap; too frequent reports are thinned out."""
        self._progress(min(max(0.0, float(fraction)), 1.0), message)  # NaN comes out as 0

    def raise_if_cancelled(self) -> None:
        """For loops in plain functions, which nothing can interrupt from outside."""
        if self.cancelled:
            raise TaskCancelled(self.reason)

    def report_to(self, progress: Progress) -> None:
        """Where reports of progress go from now on; the worker says so."""
        self._progress = progress

    def cancel(self, reason: str = "") -> None:
        """Ask the handler to stop; the worker does."""
        self.reason = reason
        self._cancelled = True


class _PlainLogger:
    """The standard library's logger with the calls of a structured one, where no worker provides its own."""

    def __init__(self, **facts: Any) -> None:
        self._logger = logging.getLogger("warren.skill")
        self._facts = facts

    def debug(self, event: str, **facts: Any) -> None:
        self._log(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: Any) -> None:
        self._log(logging.INFO, event, facts)

    def warning(self, event: str, **facts: Any) -> None:
        self._log(logging.WARNING, event, facts)

    def error(self, event: str, **facts: Any) -> None:
        self._log(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: Any) -> None:
        self._log(logging.ERROR, event, facts, traceback=True)

    def _log(self, level: int, event: str, facts: dict[str, Any], *, traceback: bool = False) -> None:
        told = " ".join(f"{name}={value!r}" for name, value in {**self._facts, **facts}.items())
        self._logger.log(level, "%s %s", event, told, exc_info=traceback)
