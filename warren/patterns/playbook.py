"""Playbooks: named plans, kept as YAML or JSON, each with a schema for its input."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from pydantic import BaseModel, ConfigDict, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from topology.errors import ClusterFileError
from topology.limits import Limits
from topology.yaml_document import read_yaml
from warren.errors import InvalidInput
from warren.messages.codec import pointer
from warren.messages.message import JsonObject, Token
from warren.patterns.check import Teams, check_plan
from warren.patterns.complaint import in_words, worst
from warren.patterns.delegate import Delegate
from warren.patterns.node import Node
from warren.patterns.plan import parse_plan
from warren.patterns.source import Source

BEGINS: Final = "start with `name:` and `plan:`"
MAX_NESTED_PLAYBOOKS: Final = 16
SCHEMA_WORDS: Final = frozenset(Draft202012Validator.VALIDATORS) | {
    "$defs",
    "definitions",
    "default",
    "examples",
    "const",
}
MAX_REASON_CHARS: Final = 500
"""A validator's message quotes the offending value, however large it is."""


class _File(BaseModel):
    """What a playbook's file may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Token
    description: str = ""
    input: JsonObject = {}
    plan: JsonObject


class Playbook:
    """A named plan. `validate_input` says whether an input fits it."""

    def __init__(
        self, name: str, plan: Node, input_schema: JsonObject, description: str = "", source: Source | None = None
    ) -> None:
        self.name = name
        self.plan = plan
        self.input_schema = input_schema
        self.description = description
        self.source = source or Source(name)
        self._validator = Draft202012Validator(input_schema, registry=Registry())  # nothing is fetched

    def with_defaults(self, data: JsonObject) -> JsonObject:
        """The input, with the defaults that the schema gives for missing top-level properties."""
        properties = self.input_schema.get("properties", {})
        defaults = {
            name: schema["default"]
            for name, schema in properties.items()
            if isinstance(schema, dict) and "default" in schema
        }
        return {**defaults, **data}

    def validate_input(self, data: JsonObject) -> None:
        """Raise InvalidInput with code `input_invalid` and a pointer into the input."""
        try:
            error = best_match(self._validator.iter_errors(data))
        except (RecursionError, Unresolvable, re.error) as trouble:
            reason = "it is nested too deeply" if isinstance(trouble, RecursionError) else str(trouble)
            raise self._misfit(f"the schema cannot be applied: {reason}", "/input") from None
        if error is not None:
            raise self._misfit(error.message, "/input" + pointer(tuple(error.absolute_path)))

    def _misfit(self, reason: str, where: str) -> InvalidInput:
        if len(reason) > MAX_REASON_CHARS:
            reason = f"{reason[: MAX_REASON_CHARS // 2]} … {reason[-MAX_REASON_CHARS // 2 :]}"
        return InvalidInput("input_invalid", f"the input of {self.name!r} is not valid: {reason}", pointer=where)


def parse_playbook(data: Any, source: str | Source) -> Playbook:
    """The playbook in plain data. Raises InvalidInput with code `playbook_invalid`, naming `source`."""
    source = Source(source) if isinstance(source, str) else source
    try:
        file = _File.model_validate(data)
        _check_properties(file.input)
        Draft202012Validator.check_schema(file.input)
        return Playbook(file.name, parse_plan(file.plan), file.input, file.description, source)
    except ValidationError as error:
        problem = worst(error.errors(include_url=False))
        raise _unusable(source, in_words(problem, tuple(_File.model_fields)), pointer(problem["loc"])) from None
    except SchemaError as error:
        raise _unusable(source, error.message, "/input" + pointer(tuple(error.absolute_path))) from None
    except InvalidInput as error:
        raise _unusable(source, error.message, error.pointer) from None


def _check_properties(schema: JsonObject) -> None:
    """Refuse fields that stand where a schema's own words do: as unknown words they would mean nothing."""
    for name, about in schema.items():
        if isinstance(about, dict) and name not in SCHEMA_WORDS:
            words = f"{name!r} is no word of JSON Schema; a field of the input stands below `properties:`"
            raise InvalidInput("plan_invalid", words, pointer="/input" + pointer((name,)))


def load_playbook(path: Path) -> Playbook:
    """The playbook in a file. Raises InvalidInput that names the file."""
    source = Source(str(path))
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), source.name, begins=BEGINS)
    except OSError as error:
        raise _unusable(source, f"cannot be read: {error.strerror}", "") from None
    except UnicodeDecodeError:
        raise _unusable(source, "is not UTF-8; save it in that encoding", "") from None
    except ClusterFileError as error:
        raise InvalidInput("playbook_invalid", f"playbook {error}") from None
    return parse_playbook(document.value, Source(source.name, document.lines))


class Playbooks:
    """All playbooks that a director knows, checked against the teams before any project needs them."""

    def __init__(self, playbooks: Iterable[Playbook], teams: Teams, limits: Limits) -> None:
        self._by_name: dict[str, Playbook] = {}
        self.teams = teams
        self.limits = limits
        for playbook in playbooks:
            if playbook.name in self._by_name:
                first = self._by_name[playbook.name].source.at("/name")
                words = f"the playbook at {first} is called {playbook.name}, too; rename one"
                raise _unusable(playbook.source, words, "/name")
            self._by_name[playbook.name] = playbook
        for playbook in self._by_name.values():
            self.ready_or_none(playbook.name)

    def __getitem__(self, name: str) -> Playbook:
        """The playbook of that name. Raises InvalidInput with code `unknown_playbook`."""
        if name not in self._by_name:
            known = ", ".join(sorted(self._by_name)) or "none"
            raise InvalidInput(
                "unknown_playbook", f"there is no playbook {name!r}; there are: {known}", pointer="/playbook"
            )
        return self._by_name[name]

    def names(self) -> list[str]:
        return sorted(self._by_name)

    def ready(self, plan: Node, at: str = "/plan") -> Node:
        """The plan with the playbooks that it names put in, checked. Raises InvalidInput."""
        whole = self._inlined(plan, ())
        check_plan(whole, self.teams, self.limits, at=at)
        return whole

    def ready_or_none(self, name: str) -> Node | None:
        """The named playbook's plan, ready; None for one that only serves inside another's delegate."""
        try:
            return self.ready(self[name].plan)
        except InvalidInput as error:
            if error.code != "call_without_team":
                raise _unusable(self[name].source, f"{name}: {error.message}", error.pointer) from None
            return None

    def _inlined(self, node: Node, within: tuple[str, ...]) -> Node:
        if isinstance(node, Delegate) and node.playbook is not None:
            return self._named(node, node.playbook, within)
        return node.with_children(lambda child: self._inlined(child, within))

    def _named(self, node: Delegate, name: str, within: tuple[str, ...]) -> Node:
        if name in within or len(within) >= MAX_NESTED_PLAYBOOKS:
            raise InvalidInput("playbook_recursion", f"playbook {name!r} delegates to itself: {' > '.join(within)}")
        plan = self._inlined(self[name].plan, (*within, name))
        return node.model_copy(update={"plan": plan, "playbook": None})


def _unusable(source: Source, message: str, at: str) -> InvalidInput:
    return InvalidInput("playbook_invalid", f"playbook {source.at(at)}: {message}", pointer=at)
