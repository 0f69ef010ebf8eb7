"""What `--help` of a role prints: every setting with its flag, its variable and its default, in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from inspect import cleandoc

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from warren.runtime.settings import flag, variable

WIDTH = 100
INDENT = " " * 8


def settings_help(model: type[BaseSettings], program: str) -> str:
    """The whole text; needed settings come first."""
    fields = sorted(model.model_fields.items(), key=lambda item: not item[1].is_required())
    needed = "".join(f" {flag(name)} {_word(name)}" for name, field in fields if field.is_required())
    lines = [f"usage: {program}{needed} [settings]", "", cleandoc(model.__doc__ or ""), "", "settings:"]
    return "\n".join([*lines, *(line for name, field in fields for line in _lines(name, field))]) + "\n"


def _lines(name: str, field: FieldInfo) -> Iterator[str]:
    yield f"  {flag(name)} {_word(name)}, or {variable(name)}"
    words = f"{field.description or ''} ({_default(field)})"
    yield from textwrap.wrap(words, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _word(name: str) -> str:
    return name.rpartition("_")[2].upper()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default_factory is not None:
        return "default: made up at the start"
    if field.default in (None, "", ()):
        return "may be left out"
    return f"default: {field.default}"
