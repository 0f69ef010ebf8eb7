"""Where supervised processes say how far they are."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from warren.runtime.notify import parse

LONGEST_BYTES: Final = 65_536

Notice = dict[str, str]


@contextmanager
def notice_socket(hear: Callable[[int, Notice], None]) -> Iterator[str]:
    """The path of a socket for `NOTIFY_SOCKET`; `hear` is called with the sender's pid and what it says."""
    # A short folder of its own: the path of such a socket has at most about 100 characters.
    with tempfile.TemporaryDirectory(prefix="warren-") as folder:
        path = str(Path(folder) / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(0)
            loop = asyncio.get_running_loop()
            loop.add_reader(listener, lambda: _drain(listener, hear))
            try:
                yield path
            finally:
                loop.remove_reader(listener)


def _drain(listener: socket.socket, hear: Callable[[int, Notice], None]) -> None:
    while True:
        try:
            notice = parse(listener.recv(LONGEST_BYTES))
        except BlockingIOError:
            return
        if notice.get("MAINPID", "").isdigit():
            hear(int(notice["MAINPID"]), notice)
