"""What to type next, once a cluster is up."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any, Final

from warren.cli.running import FOLDER
from warren.errors import InvalidInput
from warren.messages.message import JsonObject
from warren.patterns.playbook import Playbook, Playbooks

EMPTY: Final[dict[str, Any]] = {"string": "…", "integer": 1, "number": 1, "boolean": True, "null": None}
DEEPEST: Final = 8


def suggestion(playbooks: Playbooks, folder: Path) -> str:
    """A command that works: with a playbook whose input needs nothing if there is one, else with what one needs."""
    startable = [playbooks[name] for name in playbooks.names() if playbooks.ready_or_none(name) is not None]
    words = ["warren submit", *_playbook_and_input(startable), "--watch"]
    if folder != FOLDER.absolute():
        words.append(f"--data-dir {shlex.quote(str(folder))}")
    return " ".join(words)


def _playbook_and_input(startable: list[Playbook]) -> list[str]:
    if not startable:
        return ["PLAYBOOK"]
    for playbook in startable:
        if _needs_nothing(playbook):
            return [playbook.name]
    skeleton = json.dumps(_example(startable[0].input_schema, DEEPEST), ensure_ascii=False)
    return [startable[0].name, "--input", shlex.quote(skeleton)]


def _needs_nothing(playbook: Playbook) -> bool:
    try:
        playbook.validate_input(playbook.with_defaults({}))
    except InvalidInput:
        return False
    return True


def _example(schema: Any, depth: int) -> Any:
    """A value that a schema may well take, to be put right by a person."""
    if not isinstance(schema, dict) or not depth:
        return "…"
    for known in ("const", "default"):
        if known in schema:
            return schema[known]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    return _of_type(schema, depth)


def _of_type(schema: JsonObject, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "array":
        return [_example(schema["items"], depth - 1)] if "items" in schema else []
    if kind == "object":
        properties = schema.get("properties", {})
        needed = [name for name in schema.get("required", ()) if "default" not in (properties.get(name) or {})]
        return {name: _example(properties.get(name), depth - 1) for name in needed}
    return EMPTY.get(kind, "…")
