"""How data moves through a plan: JMESPath over `input`, `item`, `index` and `results`.

In a template every string is an expression and everything else stands for itself, so a literal string is written
as JMESPath's raw string: `"'text'"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator

from warren.errors import InvalidInput
from warren.messages.codec import to_json
from warren.patterns.evaluation import evaluated

MAX_QUOTED_CHARS: Final = 200
MAX_CHARS: Final = 4_000
MAX_DEPTH: Final = 100
"""Parsing takes time that grows with the square of the length, and reading the tree takes stack."""

Scope = Mapping[str, Any]
"""What an expression sees: `input` always, `item` and `index` inside a map, `results` inside a sequence."""

Evaluator = Callable[[Scope], Any]
Ast = dict[str, Any]

RELATIVE_AFTER_FIRST = frozenset(
    {
        "subexpression",
        "index_expression",
        "projection",
        "value_projection",
        "filter_projection",
        "flatten",
        "pipe",
    }
)


def _checked(text: str) -> str:
    parse(text)
    return text


def _checked_template(template: Any) -> Any:
    for text in expressions_in(template):
        parse(text)
    return template


Expression = Annotated[str, AfterValidator(_checked)]
Template = Annotated[str | dict[str, Any], AfterValidator(_checked_template)]


def parse(text: str) -> Ast:
    """The syntax tree of an expression. Raises ValueError with the reason."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"{quoted(text)} has {len(text):,} characters; an expression may have {MAX_CHARS:,}")
    try:
        parsed = dict(jmespath.compile(text).parsed)
    except JMESPathError as error:
        reason = str(error).splitlines()[0][:MAX_QUOTED_CHARS].partition(", for expression:")[0]
        raise ValueError(f"{quoted(text)} is not a JMESPath expression: {reason}{_if_meant_as_text(text)}") from None
    except RecursionError:
        raise ValueError(f"{quoted(text)} is nested too deeply") from None
    if _is_deep(parsed):
        raise ValueError(f"{quoted(text)} is nested too deeply")
    return parsed


def _if_meant_as_text(text: str) -> str:
    """The usual mistake: a text that was to stand for itself."""
    if not re.fullmatch(r"[\w ,.!?:;/-]{1,60}", text):
        return ""
    return f"; if it is a text and no expression, write \"'{text}'\""


def _is_deep(tree: Ast) -> bool:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
    return bool(level)


def compiled(template: Any) -> Evaluator:
    """A function from scope to value. An expression that fails on the data raises InvalidInput."""
    match template:
        case str():
            return _compiled_text(template)
        case dict():
            fields = {name: compiled(part) for name, part in template.items()}
            return lambda scope: {name: part(scope) for name, part in fields.items()}
        case list():
            parts = [compiled(part) for part in template]
            return lambda scope: [part(scope) for part in parts]
        case _:
            return lambda _: template


def expressions_in(template: Any) -> Iterator[str]:
    """Every expression of a template."""
    match template:
        case str():
            yield template
        case dict():
            for part in template.values():
                yield from expressions_in(part)
        case list():
            for part in template:
                yield from expressions_in(part)


def references(text: str) -> set[tuple[str, ...]]:
    """What an expression takes from its scope, as paths of at most two names, such as ("results", "listing")."""
    return {path[:2] for path in _paths(parse(text))}


def _compiled_text(text: str) -> Evaluator:
    names = _plain_path(parse(text))
    if names is not None:
        return lambda scope: _walk(scope, names)
    tree = parse(text)
    check = to_json if "&" in text else _unchecked  # a reference to an expression (`&name`) is no JSON value

    def evaluate(scope: Scope) -> Any:
        try:
            value = evaluated(tree, dict(scope))
            check(value)
        except Exception as error:  # noqa: BLE001 jmespath lets through whatever Python raises
            message = f"{quoted(text)} cannot be evaluated: {str(error)[:MAX_QUOTED_CHARS]}"
            raise InvalidInput("expression_failed", message) from None
        return value

    return evaluate


def _unchecked(value: Any) -> None:
    del value


def quoted(text: str) -> str:
    """The text in quotes, cut where it is too long for a message."""
    return repr(text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…")


def _walk(scope: Scope, names: tuple[str, ...]) -> Any:
    value: Any = scope
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _plain_path(tree: Ast) -> tuple[str, ...] | None:
    """The names of `a.b.c`, which need no interpreter; None for any other expression."""
    match tree:
        case {"type": "field", "value": str(name)}:
            return (name,)
        case {"type": "subexpression", "children": children}:
            steps = [_plain_path(child) for child in children]
            return None if None in steps else tuple(name for step in steps for name in step or ())
        case _:
            return None


def _paths(tree: Ast) -> set[tuple[str, ...]]:
    plain = _plain_path(tree)
    if plain is not None:
        return {plain}
    children = tree["children"]
    match tree["type"]:
        case "current" | "expref":
            return set()
        case "subexpression" if (start := _plain_path(children[0])) is not None:
            return {start + path for child in children[1:2] for path in _paths(child)} or {start}
        case kind if kind in RELATIVE_AFTER_FIRST:
            return _paths(children[0]) if children else set()
        case _:
            return {path for child in children if isinstance(child, dict) for path in _paths(child)}
