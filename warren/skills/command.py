"""A command-line program as a skill, by configuration."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import from_json

from topology.command_line import CommandLine
from topology.skill_settings import SkillSettings
from warren.errors import InvalidInput, SkillError
from warren.messages.codec import DEFAULT_LIMIT_BYTES, to_json
from warren.messages.message import JsonObject
from warren.skills.context import Context
from warren.skills.program import Interruption, Launch, Run, run_program
from warren.skills.signals import Reject, Retry
from warren.skills.signature import Shape, Signature
from warren.skills.skill import Mode, Skill, check
from warren.skills.template import Template

GRACE_S: Final = 5.0
ALWAYS_SEEN: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ")
"""What every program may see of the worker's environment; the rest may hold secrets."""
COULD_NOT_START: Final = {
    errno.ENOENT: ("command_missing", "is not on this machine; install it, or correct argv in cluster.yaml"),
    errno.EACCES: ("command_not_permitted", "may not be executed by this user; check its mode and its folder's"),
    errno.EPERM: ("command_not_permitted", "may not be executed by this user; check its mode and its folder's"),
    errno.ENOEXEC: ("command_not_a_program", "is no program; a script needs a first line such as #!/bin/sh"),
}
JSON: Final = TypeAdapter(dict[str, Any])


def command_skill(
    name: str, team: str, settings: SkillSettings, folder: Path, environment: Mapping[str, str] | None = None
) -> Skill:
    """The skill that `settings.command` describes; `folder` is the cluster file's. Raises SkillError.

    The whole input goes to standard input as JSON; `{field}` in argv stands for a field of it. What the program
    prints is the output: a JSON object, or text that becomes `{"text": …}` without the line ends at its end.
    """
    line = settings.command
    place = f"skill {name!r} of team {team}"
    if line is None:
        raise SkillError(f"{place}: cluster.yaml has no command for it")
    seen = os.environ if environment is None else environment
    program = Program(
        line=line,
        template=Template.read(line.argv, place),
        folder=str(folder / (line.cwd or "")),
        environment={key: seen[key] for key in (*ALWAYS_SEEN, *line.env) if key in seen},
        timeout_s=line.timeout_s or settings.timeout_s,
    )
    made = Skill(
        name=name,
        handler=program,
        signature=Signature(Shape.JSON, JSON, JSON, "given", "context"),
        mode=Mode.LOOP,
        place=place,
        team=team,
        concurrency=settings.concurrency,
        max_attempts=settings.max_attempts,
        base_s=settings.base_s,
        cap_s=settings.cap_s,
    )
    check(made)
    return made


@dataclass(frozen=True, slots=True)
class Program:
    """The handler of a command."""

    line: CommandLine
    template: Template
    folder: str
    environment: Mapping[str, str]
    timeout_s: float | None
    grace_s: float = GRACE_S
    max_output_bytes: int = DEFAULT_LIMIT_BYTES

    async def __call__(self, given: JsonObject, context: Context) -> JsonObject:
        run = await self._run(given, context)
        self._check_started(run)
        self._check_uninterrupted(run)
        self._check_code(run)
        return self._output(bytes(run.stdout))

    async def _run(self, given: JsonObject, context: Context) -> Run:
        launch = Launch(
            argv=self.template.filled(given),
            stdin=to_json(given).encode(),
            environment={**self.environment, **_facts(context)},
            folder=self.folder,
            timeout_s=self.timeout_s,
            grace_s=self.grace_s,
            max_output_bytes=self.max_output_bytes,
        )
        try:
            return await run_program(launch)
        except OSError as error:
            if error.errno != errno.E2BIG:
                raise
            text = "the input makes arguments that are longer than this system can pass; read standard input instead"
            raise InvalidInput("input_invalid", text) from None

    def _check_started(self, run: Run) -> None:
        if run.step == "folder":
            reason = f"its folder {self.folder!r} cannot be entered: {os.strerror(run.errno)}; correct cwd"
            raise Reject(f"{self._name}: {reason} in cluster.yaml", code="command_folder_missing")
        if run.step:
            other = ("command_not_startable", f"cannot be started: {os.strerror(run.errno)}")
            code, reason = COULD_NOT_START.get(run.errno, other)
            raise Reject(f"{self._name} {reason}", code=code)

    def _check_uninterrupted(self, run: Run) -> None:
        if run.interruption is Interruption.TOO_MUCH:
            raise Reject(
                f"{self._name} printed more than {self.max_output_bytes:,} bytes and was stopped",
                code="command_output_too_large",
            )
        if run.interruption is Interruption.TIMEOUT and run.killed:
            raise Retry(
                f"{self._name} ran longer than {self.timeout_s:g} s and did not stop within {self.grace_s:g} s of "
                f"SIGTERM; it was killed{_told(run)}",
                code="command_would_not_stop",
            )
        if run.interruption is Interruption.TIMEOUT:
            text = f"{self._name} ran longer than {self.timeout_s:g} s and was stopped{_told(run)}"
            raise Retry(text, code="command_timeout")

    def _check_code(self, run: Run) -> None:
        if run.code is None:
            raise Retry(f"{self._name} was lost: its guard was killed", code="command_lost")
        if run.code < 0:
            raise Retry(f"{self._name} was ended by signal {-run.code}{_told(run)}", code="command_killed")
        text = f"{self._name} ended with exit code {run.code}{_told(run)}"
        if run.code in self.line.exit_codes.permanent:
            raise Reject(text, code="command_refused")
        if run.code:
            raise Retry(text, code="command_failed")

    def _output(self, stdout: bytes) -> JsonObject:
        try:
            if self.line.output == "text":
                return {"text": stdout.decode().rstrip("\r\n")}
            value = from_json(stdout, allow_inf_nan=False)
        except ValueError as error:
            reason = f"printed what is not {'UTF-8' if self.line.output == 'text' else 'JSON'}: {error}"
            raise Retry(f"{self._name} {reason}{_excerpt(stdout)}", code="command_output_invalid") from None
        if not isinstance(value, dict):
            text = f"{self._name} printed JSON, but no object{_excerpt(stdout)}"
            raise Retry(text, code="command_output_invalid")
        return value

    @property
    def _name(self) -> str:
        return f"program {self.line.argv[0]!r}"


def _facts(context: Context) -> dict[str, str]:
    """What a program learns about its task, as environment variables."""
    facts = {
        "WARREN_TASK_ID": context.task_id,
        "WARREN_IDEMPOTENCY_KEY": context.idempotency_key,
        "WARREN_ATTEMPT": str(context.attempt),
    }
    facts |= {name.upper(): value for name, value in context.trace_headers().items()}
    if context.deadline_s is not None:
        facts["WARREN_DEADLINE_S"] = f"{context.deadline_s:.3f}"
    return facts


def _told(run: Run) -> str:
    text = run.stderr_tail.decode(errors="replace").strip()
    return f"; it said: {text}" if text else ""


def _excerpt(stdout: bytes) -> str:
    text = stdout[:200].decode(errors="replace").strip()
    return f"; it begins: {text!r}" if text else "; it is empty"
