"""A failed process in words and as an exit code."""

from __future__ import annotations

from topology.errors import ClusterFileError, ProfileRefused
from warren.errors import (
    BrokerUnavailable,
    InvalidInput,
    LedgerUnavailable,
    QueueMissing,
    SkillError,
    TopologyMismatch,
    Unanswered,
    UnknownProject,
)
from warren.runtime.exit_code import ExitCode
from warren.telemetry.redaction import redacted


def root_of(error: BaseException) -> BaseException:
    """The first real error in a group of groups: what went wrong first is what the rest followed from."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def in_words(error: BaseException) -> str:
    """What happened, without passwords."""
    root = root_of(error)
    text = str(root)
    return redacted(text) if text else type(root).__name__


def exit_code_of(error: BaseException) -> ExitCode:
    match root_of(error):
        case BrokerUnavailable() | LedgerUnavailable() | Unanswered():
            return ExitCode.UNREACHABLE
        case InvalidInput() | ClusterFileError() | ProfileRefused() | SkillError():
            return ExitCode.USAGE
        case TopologyMismatch() | QueueMissing():
            return ExitCode.DRIFT
        case UnknownProject():
            return ExitCode.MISSING
        case _:
            return ExitCode.FAILED
