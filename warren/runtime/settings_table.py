"""The settings as a table for the documentation, so that it says what the code does."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from warren.runtime.settings import flag, variable

HEAD = "| variable | flag | default | what |\n|---|---|---|---|\n"


def settings_table(model: type[BaseSettings], *, without: Iterable[type[BaseSettings]] = ()) -> str:
    """A Markdown table of a model's settings, without those that other tables show already."""
    shown = {name for other in without for name in other.model_fields}
    rows = (_row(name, field) for name, field in model.model_fields.items() if name not in shown)
    return HEAD + "".join(rows)


def _row(name: str, field: FieldInfo) -> str:
    what = (field.description or "").replace("|", "\\|")
    return f"| `{variable(name)}` | `{flag(name)}` | {_default(field)} | {what} |\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default_factory is not None or field.default is PydanticUndefined:
        return "made"
    if field.default in (None, "", ()):
        return "none"
    return f"`{field.default}`"
