"""Known errors as one red line, or as JSON, and as an exit code."""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.text import Text

from warren.errors import InvalidInput
from warren.runtime.failure import exit_code_of, in_words, root_of


def report(error: BaseException, *, as_json: bool) -> int:
    """Say what is wrong on standard error, and return the exit code."""
    root = root_of(error)
    if as_json:
        sys.stderr.write(json.dumps({"error": _facts(root)}) + "\n")
    else:
        Console(stderr=True, soft_wrap=True).print(Text(f"warren: {in_words(root)}", style="red"))
    return exit_code_of(root)


def _facts(error: BaseException) -> dict[str, str]:
    if isinstance(error, InvalidInput):
        return {"code": error.code, "message": in_words(error), "pointer": error.pointer}
    return {"code": type(error).__name__, "message": in_words(error)}
