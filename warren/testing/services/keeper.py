"""Keeps a server in a process of its own, so that it needs no event loop here and cannot outlive us."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, Literal

from warren.errors import WarrenError

Service = Literal["rabbit", "postgres", "rabbit-container", "postgres-container"]

STOP_TIMEOUT_S: Final = 30.0


class ServiceUnavailable(WarrenError):
    """A server cannot be had on this machine; the message says why and what to do."""


@contextmanager
def keep(service: Service, *, start_timeout_s: float = 60.0) -> Iterator[dict[str, str]]:
    """The addresses of a new server: `amqp_url` and `management_url`, or `url`. It ends with the `with`.

    Raises ServiceUnavailable. If this process is killed, the server is ended all the same.
    """
    with tempfile.TemporaryFile() as complaints, _process(service, complaints) as process:
        yield _addresses(service, process, complaints, start_timeout_s)


@contextmanager
def _process(service: Service, complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "warren.testing.services", service],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        start_new_session=True,  # what interrupts us at the terminal must not reach it: we end it when we are done
    )
    try:
        yield process
    finally:
        _end(process)


def _addresses(
    service: Service, process: subprocess.Popen[bytes], complaints: IO[bytes], timeout_s: float
) -> dict[str, str]:
    assert process.stdout is not None
    answered, _, _ = select.select([process.stdout], [], [], timeout_s)
    if not answered:
        raise ServiceUnavailable(f"{service} was not ready within {timeout_s:g} s")
    if not (line := process.stdout.readline()):
        process.wait()
        complaints.seek(0)
        raise ServiceUnavailable(complaints.read().decode(errors="replace").strip() or f"{service} ended at once")
    addresses: dict[str, str] = json.loads(line)
    return addresses


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
