"""How a process of the simulation dies: at one of its steps, and from then on it can do nothing any more."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]


class Crash(BaseException):
    """The process is gone: like a `kill -9` nothing of ours can catch it."""


class Fuse:
    """Counts the steps of one process, which it passes to `tell`, and blows when `burn` has said so."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._left: int | None = None
        self._kill: Callable[[], object] | None = None
        self.blown = False

    def arm(self, kill: Callable[[], object]) -> None:
        """`kill` is called when it blows, before anything else can happen."""
        self._kill = kill

    def burn(self, steps: int) -> None:
        """Blow at the step after so many more; an earlier order stands."""
        if self._left is None:
            self._left = steps

    def defuse(self) -> None:
        """Take back the order to blow, if it has not."""
        self._left = None

    def step(self, name: str) -> None:
        """Raises Crash if this is where the process ends, or has ended."""
        if self.blown:
            raise Crash
        self._tell(name)
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                self.blow()
                raise Crash

    def blow(self) -> None:
        """End the process here and now."""
        self.blown = True
        self._tell("dies")
        if self._kill is not None:
            self._kill()
