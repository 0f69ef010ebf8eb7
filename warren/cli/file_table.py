"""The keys of cluster.yaml as tables for the documentation, made from the models that read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic.fields import FieldInfo

from topology.cluster import Cluster
from topology.section import Section

HEAD: Final = "| key | default | what |\n|---|---|---|\n"


def file_tables() -> Iterator[str]:
    """A Markdown table for each section of the file; a kind of section has one, wherever it may stand."""
    shown: set[type[Section]] = set()
    for place, section in _sections("", Cluster):
        if section not in shown:
            shown.add(section)
            title = f"`{place}`" if place else "The file"
            yield f"\n### {title}\n\n{HEAD}{''.join(_rows(section))}"


def _sections(place: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield place, section
    for name, field in section.model_fields.items():
        for below, kind in _kinds(f"{place}.{name}".lstrip("."), field.annotation):
            yield from _sections(below, kind)


def _kinds(place: str, annotation: Any) -> Iterator[tuple[str, type[Section]]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield place, annotation
    elif get_origin(annotation) is Mapping:
        name = place.rpartition(".")[2].removesuffix("s").upper()
        yield from _kinds(f"{place}.{name}", get_args(annotation)[1])
    else:
        for part in get_args(annotation):
            yield from _kinds(place, part)


def _rows(section: type[Section]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        what = (field.description or "its own table, below").replace("|", "\\|")
        yield f"| `{name}` | {_default(field)} | {what} |\n"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required():
        return "needed"
    if isinstance(default, Section):
        return "all defaults"
    if default is None or default in ((), {}):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
