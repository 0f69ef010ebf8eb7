"""`warren director`, `warren lead` and `warren worker`: the roles, under one roof."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import typer

ROLES: Final = MappingProxyType({"director": "director", "lead": "teamlead", "worker": "worker"})
PASSED_ON: Final[dict[str, Any]] = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}


def command(module: str) -> Callable[[typer.Context], None]:
    """A command that becomes `python -m module` with the same arguments; signals reach it directly."""

    def become(context: typer.Context) -> None:
        os.execv(sys.executable, [sys.executable, "-m", module, *context.args])  # noqa: S606

    return become
