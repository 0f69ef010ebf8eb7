"""Says in words what a process waits for."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], str | None]
"""What is waited for, in words; None when all is well. Cheap, and safe to call from another thread."""


class Readiness:
    """Collects the checks of everything that a process stands on.

    readiness.watch("broker", lambda: broker.waiting_for)
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._started = False
        self._draining = False

    @property
    def started(self) -> bool:
        """Whether start-up is over, however the process feels since."""
        return self._started

    def watch(self, name: str, check: Check) -> None:
        self._checks[name] = check

    def mark_started(self) -> None:
        self._started = True

    def mark_draining(self) -> None:
        self._draining = True

    def waiting_for(self) -> dict[str, str]:
        """By name, what keeps the process from working; empty when it is ready."""
        waits = {name: words for name, check in self._checks.items() if (words := check()) is not None}
        if self._draining:
            waits["process"] = "it is draining and takes nothing new"
        elif not self._started:
            waits["process"] = "it is starting"
        return waits
