"""What a handler raises to say how its attempt is to end."""

from __future__ import annotations

import math


class Retry(Exception):
    """Try again, after `after_s` seconds if given, else when the skill's back-off says so.

    It counts as an attempt: after the last one the task fails with `code`.
    """

    def __init__(self, reason: str = "", *, after_s: float | None = None, code: str = "retry_wanted") -> None:
        super().__init__(reason or "the handler asked for another attempt")
        if after_s is not None and (not isinstance(after_s, int | float) or math.isnan(after_s)):
            raise TypeError(f"Retry(after_s={after_s!r}): it takes a number of seconds")
        self.after_s = after_s
        self.code = code


class Reject(Exception):
    """Trying again cannot help: the task fails now, with `code` for programs and the reason for people."""

    def __init__(self, reason: str, *, code: str = "rejected") -> None:
        super().__init__(reason)
        self.code = code


class TaskCancelled(BaseException):
    """Raised by `Context.raise_if_cancelled`; no `except Exception` of a handler catches it by mistake."""
