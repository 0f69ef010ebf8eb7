"""YAML as plain values that remember their lines, with everything surprising in YAML refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from topology.errors import ClusterFileError, Problem

Place = tuple[str | int, ...]
_PLAIN_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """What the text says, and on which line (from 1) each key and each item stands."""

    value: Any
    lines: Mapping[Place, int]

    def nearest(self, place: Place) -> Place:
        """The longest part of `place` that is in the text: a missing key has no line, but its section has."""
        while place and place not in self.lines:
            place = place[:-1]
        return place


def dotted(place: Place) -> str:
    """The way to a key, as people write it."""
    return ".".join(str(step) for step in place)


CLUSTER_BEGINS = "start with `version: 1` and `teams:`"


def read_yaml(text: str, source: str, *, begins: str = CLUSTER_BEGINS) -> YamlDocument:
    """Parse one YAML mapping; `begins` says how such a file begins. Raises ClusterFileError."""
    try:
        return _read(text, source, begins)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reason = " ".join(filter(None, (error.context, error.problem)))
        advice = "; indent with spaces" if "'\\t'" in reason else ""
        raise ClusterFileError(source, Problem(f"is not YAML: {reason}{advice}", line=line)) from error
    except yaml.YAMLError as error:
        raise ClusterFileError(source, Problem(f"is not YAML: {' '.join(str(error).split())}")) from error
    except RecursionError as error:
        raise ClusterFileError(source, Problem("is nested too deeply")) from error


def _read(text: str, source: str, begins: str) -> YamlDocument:
    loader = _Loader(text)
    root = loader.get_single_node()
    if not isinstance(root, yaml.MappingNode):
        text = "is empty" if root is None else "must be a mapping of keys to values"
        raise ClusterFileError(source, Problem(f"{text}; {begins}", line=1))
    reader = _Reader(loader, source)
    return YamlDocument(reader.value(root, ()), reader.lines)


class _Loader(yaml.SafeLoader):
    """Refuses aliases: they can name their own parents, or grow a few lines into gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias: Any = self.peek_event()  # type: ignore[no-untyped-call]
            problem = "aliases (*name) are not used here; write it out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=alias.start_mark)
        return super().compose_node(parent, index)


class _Reader:
    """Turns nodes into values and notes the lines."""

    def __init__(self, loader: _Loader, source: str) -> None:
        self._loader = loader
        self._source = source
        self.lines: dict[Place, int] = {}

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, _line(node))
        match node:
            case yaml.MappingNode(tag=tag) if tag in _PLAIN_TAGS:
                return self._mapping(node, place)
            case yaml.SequenceNode(tag=tag) if tag in _PLAIN_TAGS:
                return [self.value(item, (*place, index)) for index, item in enumerate(node.value)]
            case yaml.ScalarNode():
                return self._scalar(node, place)
            case _:
                raise self._error(node, place, f"the tag {node.tag} is not used here; remove it")

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, place)
            if key in values:
                first = self.lines[(*place, key)]
                raise self._error(key_node, (*place, key), f"stands here twice, first in line {first}; keep one")
            self.lines[(*place, key)] = _line(key_node)
            values[key] = self.value(value_node, (*place, key))
        return values

    def _key(self, node: yaml.Node, place: Place) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, place, "a key must be a single word")
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        try:
            return self._loader.construct_object(node)
        except ValueError as error:
            raise self._error(
                node, place, f"{node.value[:60]!r} cannot be read ({error}); put text in quotes"
            ) from error

    def _error(self, node: yaml.Node, place: Place, text: str) -> ClusterFileError:
        return ClusterFileError(self._source, Problem(text, dotted(place), _line(node)))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
