"""How one attempt of a task ended, and how an exception becomes such an end."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from warren.errors import InvalidInput
from warren.messages.outcome import MAX_TRACEBACK_CHARS, Cancelled, ErrorInfo, Expired, Failed, Outcome
from warren.skills import signals
from warren.skills.signals import Reject, Retry, TaskCancelled

MAX_MESSAGE_CHARS: Final = 2_000
MAX_FRAMES: Final = 30
OWN_FOLDERS: Final = (str(Path(__file__).parent), str(Path(signals.__file__).parent))
"""What is above the handler in a traceback says nothing about the handler."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of one attempt; `after_s` is when the handler wants the next one to begin."""

    outcome: Outcome
    after_s: float | None = None


def cancelled(reason: str) -> Attempt:
    return Attempt(Cancelled(reason=sendable(reason, MAX_MESSAGE_CHARS)))


def expired(reason: str) -> Attempt:
    return Attempt(Expired(reason=reason))


def failed(code: str, message: str, task_id: str, *, permanent: bool = False, pointer: str = "") -> Attempt:
    """An attempt that failed for a reason that is not the handler's exception."""
    error = ErrorInfo(code=code, message=message, pointer=pointer, task=task_id, permanent=permanent)
    return Attempt(Failed(error=error))


def of_error(error: BaseException, task_id: str, permanent: tuple[type[Exception], ...] = ()) -> Attempt:
    """What the exception of a handler means; `permanent` are those after which trying again cannot help."""
    match error:
        case InvalidInput():
            info = _info(error, task_id, code=error.code, permanent=True, text=error.message, pointer=error.pointer)
            return Attempt(Failed(error=info))
        case Retry():
            return Attempt(Failed(error=_info(error, task_id, code=error.code)), after_s=error.after_s)
        case Reject():
            return Attempt(Failed(error=_info(error, task_id, code=error.code, permanent=True)))
        case TaskCancelled():
            return cancelled(str(error))
        case _:
            known = isinstance(error, permanent)
            info = _info(error, task_id, code="handler_error", permanent=known, trace=traced(error))
            return Attempt(Failed(error=info))


def traced(error: BaseException) -> str:
    """The traceback from the handler on: its end, where the cause is, if it is long."""
    error = error.with_traceback(_from_handler_on(error.__traceback__))
    text = "".join(traceback.format_exception(error, limit=-MAX_FRAMES))
    return sendable(text[-MAX_TRACEBACK_CHARS:], MAX_TRACEBACK_CHARS)


def sendable(text: str, limit: int) -> str:
    """Text that a message can carry: a lone surrogate, as in a file's undecodable name, cannot be sent."""
    return text[:limit].encode("utf-8", "replace").decode()


def _from_handler_on(trace: TracebackType | None) -> TracebackType | None:
    frame = trace
    while frame is not None and str(Path(frame.tb_frame.f_code.co_filename).parent) in OWN_FOLDERS:
        frame = frame.tb_next
    return frame


def _info(
    error: BaseException,
    task_id: str,
    *,
    code: str,
    permanent: bool = False,
    text: str | None = None,
    pointer: str = "",
    trace: str = "",
) -> ErrorInfo:
    return ErrorInfo(
        code=code,
        message=sendable(_words(error) if text is None else text, MAX_MESSAGE_CHARS),
        pointer=sendable(pointer, MAX_MESSAGE_CHARS),
        type=type(error).__qualname__,
        task=task_id,
        permanent=permanent,
        traceback=trace,
    )


def _words(error: BaseException) -> str:
    """An exception whose own text raises is no reason to lose what happened."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001
        return type(error).__name__
