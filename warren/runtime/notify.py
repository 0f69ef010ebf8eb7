"""Tells the supervisor how far this process is, in the protocol of systemd's sd_notify: systemd understands it too."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

VARIABLE: Final = "NOTIFY_SOCKET"


class Notifier:
    """Sends states to the socket that `NOTIFY_SOCKET` names; without one, nowhere."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get(VARIABLE, "")

    def ready(self, health_url: str) -> None:
        self._send(READY="1", STATUS="ready", X_WARREN_HEALTH=health_url)

    def stopping(self) -> None:
        self._send(STOPPING="1", STATUS="draining")

    def failed(self, reason: str) -> None:
        self._send(STATUS=reason, X_WARREN_FAILED="1")

    def _send(self, **facts: str) -> None:
        """A supervisor that is gone is no reason to fail."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        lines = [
            f"{name}={value.replace(chr(10), ' ')}" for name, value in {"MAINPID": str(os.getpid()), **facts}.items()
        ]
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto("\n".join(lines).encode(), address)


def parse(datagram: bytes) -> dict[str, str]:
    """What a notification says, by name."""
    lines = datagram.decode(errors="replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
