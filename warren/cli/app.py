"""All commands under one name, and one way for all of them to fail."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final, cast

import typer

from topology.errors import ClusterFileError, ProfileRefused
from warren.cli import cancel, doctor, drain, ledger, result, roles, status, submit, topology, trace, up, users
from warren.cli.dead.app import app as dead_app
from warren.cli.failing import report
from warren.errors import InvalidInput, WarrenError
from warren.runtime.exit_code import ExitCode

HELP: Final = """Hierarchical agent clusters on RabbitMQ.

Start a cluster with `warren up`, then, in another terminal, `warren submit PLAYBOOK --watch`.
"""
EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 the project ended without an output, or a process failed; 2 an argument, a file or an input "
    "cannot be used; 3 the broker, the ledger or the cluster does not answer; 4 the broker does not hold what "
    "cluster.yaml says; 5 what was asked for does not exist (yet), or this machine lacks something."
)

UsageError: Final = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
"""Typer brings its own copy of click, and shows only this child of it."""
KNOWN: Final = (WarrenError, ClusterFileError, ProfileRefused)

app = typer.Typer(
    name="warren",
    help=HELP,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("submit")(submit.submit)
app.command("status")(status.status)
app.command("result")(result.result)
app.command("cancel")(cancel.cancel)
app.command("drain")(drain.drain)
app.command("trace")(trace.trace)
app.command("doctor")(doctor.doctor)
app.add_typer(topology.app, name="topology")
app.add_typer(ledger.app, name="ledger")
app.add_typer(users.app, name="users")
app.add_typer(dead_app, name="dead")
for role, module in roles.ROLES.items():
    app.command(role, help=f"Run one {module} process; the same as python -m {module}.", **roles.PASSED_ON)(
        roles.command(module)
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Errors that we know become one line and an exit code; others are ours to mend."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        return int(app(words, prog_name="warren", standalone_mode=not as_json) or ExitCode.OK)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except UsageError as error:  # only where a script asked: a person is shown how the command is used
        return report(InvalidInput("usage", error.format_message()), as_json=as_json)
    except KNOWN as error:
        return report(error, as_json=as_json)
    except BaseExceptionGroup as group:
        known, unknown = group.split(KNOWN)
        if unknown is not None or known is None:
            raise
        return report(known, as_json=as_json)
