"""How a process tells its parent what became of it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of all of Warren's commands."""

    OK = 0
    """Done; or drained after a signal."""
    FAILED = 1
    """The project ended without an output; or the process failed or was cut short."""
    USAGE = 2
    """An argument, a setting or an input cannot be used."""
    UNREACHABLE = 3
    """The broker, the ledger or the cluster does not answer."""
    DRIFT = 4
    """The broker does not hold what cluster.yaml says."""
    MISSING = 5
    """What was asked for does not exist, or the machine lacks something."""
