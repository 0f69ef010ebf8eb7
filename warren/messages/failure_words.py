"""A failure as one sentence: who failed, how often, of what, and in which task."""

from __future__ import annotations

from typing import Final

from warren.messages.outcome import ErrorInfo

OF_HANDLER: Final = "handler_error"
WANTED_AGAIN: Final = "retry_wanted"


def in_words(error: ErrorInfo) -> str:
    """For example `greet failed after 3 attempts: ValueError: no such guest (handler_error), task …/0/0`."""
    where = f", task {error.task}" if error.task else ""
    return f"{_who(error)}{_what(error)} ({error.code}){where}"


def _who(error: ErrorInfo) -> str:
    if not error.skill:
        return ""
    verb = "gave up" if error.code == WANTED_AGAIN else "failed"
    attempts = f" after {error.attempts:,} attempt{'s' if error.attempts > 1 else ''}" if error.attempts else ""
    return f"{error.skill} {verb}{attempts}: "


def _what(error: ErrorInfo) -> str:
    """With the class of an exception that nobody foresaw; others say in their text what they mean."""
    if error.code == OF_HANDLER and error.type and error.type != error.message:
        return f"{error.type}: {error.message}"
    return error.message
