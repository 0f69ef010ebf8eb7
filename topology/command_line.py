"""A program on the worker's machine as a skill."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from topology.placeholder import pieces
from topology.section import Section


def _with_places(word: str) -> str:
    try:
        pieces(word)
    except ValueError as error:
        raise PydanticCustomError("placeholder", "{reason}", {"reason": str(error)}) from None
    return word


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if any(field is not None for _, field in pieces(argv[0])):
        raise PydanticCustomError("program", "the first word names the program; no task may choose that, write it out")
    return argv


Word = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]+$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ExitCode = Annotated[int, Field(ge=1, le=255)]


class ExitCodes(Section):
    """What the program means by ending with something else than 0, which is always a failure."""

    permanent: tuple[ExitCode, ...] = Field(
        default=(), strict=False, description="exit codes after which trying again is useless"
    )


class CommandLine(Section):
    """How to run the program: the task's input goes to its standard input as JSON."""

    argv: Annotated[tuple[Annotated[Word, AfterValidator(_with_places)], ...], AfterValidator(_program)] = Field(
        min_length=1,
        strict=False,
        description="the program and its arguments; {field} is that field of the input, and no shell is involved",
    )
    output: Literal["json", "text"] = Field(
        default="json", description="what the standard output holds: a JSON object, or text that becomes {text: ...}"
    )
    timeout_s: float | None = Field(
        default=None, gt=0, le=86_400, description="how long the program may run; else the skill's own timeout_s"
    )
    exit_codes: ExitCodes = ExitCodes()
    env: tuple[Variable, ...] = Field(
        default=(), strict=False, description="names of the worker's environment variables that the program may see"
    )
    cwd: Word | None = Field(default=None, description="the folder to run in, relative to the cluster file's folder")
