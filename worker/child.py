"""What a process for handlers does: take a request, run it, answer. JSON goes both ways, never a pickle."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from multiprocessing.connection import Connection
from typing import Final

from pydantic import Field, TypeAdapter

from warren.errors import SkillError
from warren.messages.message import Value
from warren.messages.outcome import Succeeded
from warren.messages.task import Task
from warren.skills.context import Context
from warren.skills.skill import Skill, skill_of
from worker.attempt import Attempt, of_error

ANSWER: Final = b"A"
PROGRESS: Final = b"P"
READY: Final = b"R"
ATTEMPTS: Final = TypeAdapter(Attempt)


class Request(Value):
    """A task, and where its handler is found."""

    module: str
    qualname: str
    team: str
    task: Task
    trace: dict[str, str] = Field(default_factory=dict)


class Report(Value):
    """How far a handler is."""

    fraction: float
    message: str


def serve(connection: Connection, module: str) -> None:
    """Answer requests until the other end closes. A Ctrl-C at the terminal is the worker's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, name="parent", daemon=True).start()
    sending = threading.Lock()

    def send(kind: bytes, body: bytes) -> None:
        with sending:
            connection.send_bytes(kind + body)

    with suppress(Exception):  # the first request meets the error again, and reports it
        importlib.import_module(module)
    send(READY, b"")
    while (body := _received(connection)) is not None:
        send(ANSWER, ATTEMPTS.dump_json(run(Request.model_validate_json(body), send)))


def run(request: Request, send: Callable[[bytes, bytes], None]) -> Attempt:
    """One attempt, in this process."""
    task = request.task

    def progress(fraction: float, message: str) -> None:
        send(PROGRESS, Report(fraction=fraction, message=message).model_dump_json().encode())

    permanent: tuple[type[Exception], ...] = (SkillError,)
    try:
        skill = found(request.module, request.qualname)
        permanent = skill.permanent
        context = Context(
            task.id,
            skill=skill.name,
            team=request.team,
            attempt=task.attempt,
            deadline_s=task.deadline_s,
            progress=progress,
            trace_headers=lambda: request.trace,
        )
        value = skill.handler(**skill.signature.bind(task.input, context))
        if inspect.iscoroutine(value):
            value = asyncio.run(value)
        return Attempt(Succeeded(output=skill.signature.dump(value)))
    except BaseException as error:  # noqa: BLE001 - a handler may raise anything
        return of_error(error, task.id, permanent)


def found(module: str, qualname: str) -> Skill:
    """The skill of a function. Raises SkillError."""
    function = reduce(getattr, qualname.split("."), importlib.import_module(module))
    skill = skill_of(function)
    if skill is None:
        raise SkillError(f"{module}.{qualname} is no skill here; another decorator hides it, put @skill outermost")
    return skill


def _received(connection: Connection) -> bytes | None:
    try:
        return connection.recv_bytes()
    except (EOFError, OSError):
        return None


def _die_with_parent() -> None:
    """A worker that is killed cannot say goodbye, and a handler at work would not look."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
