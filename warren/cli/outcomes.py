"""How a project's end is shown, and what exit code it gives."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from warren.cli.printing import print_json, print_output
from warren.client.handle import output_of
from warren.errors import ProjectFailed
from warren.messages.reply import Finished
from warren.runtime.exit_code import ExitCode


def show_result(project: str, finished: Finished, *, as_json: bool) -> ExitCode:
    """The output on standard output, or why there is none on standard error."""
    try:
        output = output_of(project, finished.outcome)
    except ProjectFailed as error:
        if as_json:
            print_json({"id": project, **finished.model_dump(mode="json")})
        else:
            Console(stderr=True, soft_wrap=True).print(Text(str(error), style="red"))
        return ExitCode.FAILED
    if as_json:
        print_json({"id": project, **finished.model_dump(mode="json")})
    else:
        print_output(output)
    return ExitCode.OK
