"""What happened in a run, line by line, and one number for all of it: two runs are the same if it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable


class Trace:
    """Takes notes; keeps the lines only if somebody wants to read them."""

    def __init__(self, now: Callable[[], float], *, keep: bool) -> None:
        self._now = now
        self._digest = hashlib.sha256()
        self._keep = keep
        self.lines: list[str] = []

    def note(self, who: str, what: str) -> None:
        line = f"{self._now():.6f} {who}: {what}"
        self._digest.update(line.encode())
        if self._keep:
            self.lines.append(line)

    @property
    def fingerprint(self) -> str:
        """The same for the same run."""
        return self._digest.hexdigest()[:16]
