"""How much of what a connection has brought may wait unread; beyond that its socket is not read.

A prefetch counts messages, whatever their size: a thousand of the largest would fill any machine.
"""

from __future__ import annotations

from typing import Final, Protocol

UNREAD_BYTES: Final = 128 * 1024 * 1024
"""Of all queues that one connection consumes, together."""


class Valve(Protocol):
    """What lets a connection's data in."""

    def shut(self) -> None:
        """Let nothing more in; to shut it twice does no harm."""

    def open(self) -> None:
        """Let it in again."""


class Inflow:
    """The account of unread bytes of one connection."""

    def __init__(self, valve: Valve | None = None, limit_bytes: int = UNREAD_BYTES) -> None:
        self._valve = valve
        self._limit_bytes = limit_bytes
        self._unread_bytes = 0
        self._is_shut = False

    def add(self, size_bytes: int) -> None:
        """So much has come."""
        self._unread_bytes += size_bytes
        if self._unread_bytes > self._limit_bytes and self._valve is not None:
            self._is_shut = True
            self._valve.shut()

    def remove(self, size_bytes: int) -> None:
        """So much was read, or is not kept."""
        self._unread_bytes -= size_bytes
        if self._is_shut and self._unread_bytes <= self._limit_bytes // 2 and self._valve is not None:
            self._is_shut = False
            self._valve.open()
