"""Settings: from flags, else from `WARREN_*` variables, else defaults; frozen, and every complaint is in words."""

from __future__ import annotations

import difflib
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from topology.names import TOKEN
from warren.errors import InvalidInput
from warren.runtime.agent import agent_id
from warren.runtime.secret_url import SecretUrl
from warren.telemetry.logs import LogFormat, LogLevel
from warren.telemetry.telemetry import CHILDREN

PREFIX: Final = "WARREN_"
LIKENESS: Final = 0.85
OFF: Final = ("off", "none", "")

S = TypeVar("S", bound=BaseSettings)


def _words(value: Any) -> Any:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _off(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() in OFF else value


def made_up() -> str:
    """`<host>-<pid>-<random>`."""
    return agent_id(socket.gethostname(), os.getpid(), os.urandom(3))


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""Words separated by commas."""
Port = Annotated[int, Field(ge=0, le=65535)]
AgentId = Annotated[str, StringConstraints(pattern=rf"^{TOKEN.pattern}$")]


class Settings(BaseSettings):
    """The root of all settings: `field` is read from `--field`, else from `WARREN_FIELD`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        validate_default=True,
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_exit_on_error=False,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )


class ServiceSettings(Settings):
    """What every long-running process wants to know."""

    amqp_url: SecretUrl = Field(
        default=SecretUrl("amqp://guest:guest@127.0.0.1:5672/"), description="the broker, with user, password and vhost"
    )
    cluster: Path = Field(default=Path("cluster.yaml"), description="the file that names teams, skills and limits")
    health_host: str = Field(default="127.0.0.1", description="where the health endpoints listen")
    health_port: Annotated[Port | None, BeforeValidator(_off)] = Field(
        default=0, description="their port; 0 takes a free one, off serves none"
    )
    grace_s: float = Field(default=25.0, ge=0, description="seconds to finish what is in hand after SIGTERM")
    log: LogFormat = Field(default="auto", description="text, json, or auto: text at a terminal, else json")
    log_level: LogLevel = Field(default="info", description="the least that is logged")
    agent: AgentId = Field(
        default_factory=made_up,
        description="this process's name",
    )


class CoordinatorSettings(ServiceSettings):
    """What director and team leads want to know beyond that."""

    ledger_url: SecretUrl = Field(
        default=SecretUrl("sqlite:///.warren/ledger.sqlite3"),
        description="the ledger: sqlite:///FILE or postgresql://…",
    )
    trace_children: int = Field(
        default=CHILDREN,
        ge=1,
        le=100_000,
        description="how many children of one node of a plan get spans; it says how many it left out",
    )


def load(model: type[S], arguments: Sequence[str] | None = None, program: str = "warren") -> S:
    """The settings from flags and environment; without `arguments`, from the environment alone.

    Raises InvalidInput, code `settings_invalid`; `--help` prints and raises SystemExit.
    """
    try:
        if arguments is None:
            return model()
        if not {"-h", "--help"}.isdisjoint(arguments):
            from warren.runtime.settings_help import settings_help

            sys.stdout.write(settings_help(model, program))
            raise SystemExit(0)
        return model(_cli_parse_args=list(arguments), _cli_prog_name=program)
    except ValidationError as error:
        raise InvalidInput("settings_invalid", _explained(error, model)) from None
    except SettingsError as error:
        reason = str(error).removeprefix("error parsing CLI: ")
        raise InvalidInput("settings_invalid", f"{reason}; see {program} --help") from None


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def flag(field: str) -> str:
    return "--" + field.replace("_", "-")


def is_named(settings: BaseSettings, field: str) -> bool:
    """Whether somebody chose it, rather than the default."""
    return field in settings.model_fields_set


def misspelt(model: type[BaseSettings], environment: Mapping[str, str]) -> Iterable[str]:
    """Sentences about variables that are almost settings: other programs own names too, so this only warns."""
    known = [variable(field) for field in model.model_fields]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            for meant in difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS):
                yield f"{name} is set but not read; did you mean {meant}?"


def _explained(error: ValidationError, model: type[BaseSettings]) -> str:
    return "; ".join(
        _complaint(str(problem["loc"][0]) if problem["loc"] else "", problem["type"], problem["msg"], model)
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    )


def _complaint(field: str, kind: str, reason: str, model: type[BaseSettings]) -> str:
    """The value is left out on purpose: it may be a secret."""
    what = model.model_fields[field].description if field in model.model_fields else None
    meaning = f" ({what})" if what else ""
    if kind == "missing":
        return f"{flag(field)} or {variable(field)} is needed{meaning}"
    return f"{flag(field)} or {variable(field)} cannot be used: {reason}{meaning}"
