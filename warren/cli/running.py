"""What a running `warren up` tells the other commands: `.warren/cluster.json`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from warren.errors import BrokerUnavailable, InvalidInput

FOLDER: Final = Path(".warren")
FILE: Final = "cluster.json"
LOCK: Final = "up.lock"
"""Held as long as `warren up` lives; its process id may have become somebody else's."""


class RunningProcess(BaseModel):
    """One process of the cluster."""

    name: str
    state: str
    pid: int | None = None
    health_url: str = ""


class Running(BaseModel):
    """The cluster of this machine, for its owner's eyes only: the URLs hold passwords."""

    model_config = ConfigDict(extra="ignore")

    pid: int
    amqp_url: str
    ledger_url: str
    cluster: Path
    management_url: str | None = None
    processes: list[RunningProcess] = []


def data_folder(given: Path | None) -> Path:
    """The folder that was named, else `.warren` here or in a folder above, else `.warren` here."""
    if given is not None:
        return given.absolute()
    here = Path.cwd()
    found = (folder / FOLDER for folder in (here, *here.parents) if (folder / FOLDER).is_dir())
    return next(found, here / FOLDER)


def find_running(given: Path | None) -> Running | None:
    """The cluster that runs on a data folder; None if none does, whatever an earlier one left behind."""
    folder = data_folder(given)
    running = _read(folder)
    return running if running is not None and _is_alive(running.pid) and _is_owned(folder) else None


def broker_of(amqp_url: str | None, data_dir: Path | None) -> str:
    """The URL that was given, else that of the running cluster. Raises BrokerUnavailable."""
    if amqp_url:
        return amqp_url
    if (running := find_running(data_dir)) is not None:
        return running.amqp_url
    raise BrokerUnavailable(
        f"no cluster runs on {data_folder(data_dir)}; start one with `warren up`, "
        "or name the broker of another in WARREN_AMQP_URL"
    )


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make a data folder this process's own. Raises InvalidInput if another `warren up` has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise InvalidInput("data_folder", f"the data folder {folder} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InvalidInput("already_up", _taken(folder)) from None
        try:
            yield
        finally:
            (folder / FILE).unlink(missing_ok=True)


def publish(folder: Path, running: Running) -> None:
    """Let the other commands find the cluster."""
    draft = folder / (FILE + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(running.model_dump_json(indent=2) + "\n")
    draft.replace(folder / FILE)


def _read(folder: Path) -> Running | None:
    try:
        return Running.model_validate_json((folder / FILE).read_text())
    except (OSError, ValidationError):
        return None


def _taken(folder: Path) -> str:
    running = _read(folder)
    who = f" (process {running.pid})" if running is not None else ""
    return f"a cluster is already up on {folder}{who}; stop it with Ctrl-C there, or give --data-dir another folder"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_owned(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
