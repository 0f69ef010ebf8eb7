"""Cyclomatic complexity, after T. J. McCabe, "A Complexity Measure", IEEE Transactions on Software Engineering,
SE-2(4), December 1976: the number of decisions of a function plus one, where every condition of a compound
predicate is a decision of its own.

Decisions are: `if`, `elif`, the conditional expression, `for` and `while` (also in comprehensions, whose `if`s count
too), `except`, each `and` and `or`, and each `case` but a bare `case _`. `else`, `finally`, `with` and `assert` are
none. A function inside another is measured alone and adds nothing to the outer one; a lambda belongs to the function
that it stands in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

MCCABE_LIMIT = 10
"""The upper limit that McCabe proposes in the same paper."""

BUCKETS = (1, 2, 3, 4, 5, 10, 15, 20, 30, 50)
"""The upper ends of a histogram's buckets; one more bucket takes what is above the last."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Measured:
    """What was counted in one function."""

    name: str
    line: int
    lines: int
    complexity: int = 1


@dataclass
class Census:
    """Everything that one walk over a syntax tree counts."""

    functions: list[Measured] = field(default_factory=list)
    classes: int = 0
    texts: list[tuple[int, int, bool]] = field(default_factory=list)
    """Strings over several lines or used as docstrings: first line, last line, is a docstring."""


_Place = tuple[ast.AST, Measured, str]
"""A node that is still to be visited, the function that its decisions count for, and the prefix of names in it."""


def census(tree: ast.Module) -> Census:
    """Count functions, classes and decisions in one pass, iteratively: nesting is limited by memory only."""
    counted = Census()
    _note_docstring(counted, tree)
    waiting: list[_Place] = [(tree, Measured("", 0, 0), "")]
    while waiting:
        node, owner, scope = waiting.pop()
        if isinstance(node, _DECIDING):
            owner.complexity += decisions(node)
        elif isinstance(node, _TEXT):
            _note_text(counted, node)
        waiting.extend(_enter(counted, node, owner, scope))
    counted.functions.sort(key=lambda function: (function.line, function.name))
    return counted


_DECIDING = (
    *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler),
    *(ast.BoolOp, ast.comprehension, ast.match_case),
)
_TEXT = (ast.Constant, ast.JoinedStr)


def decisions(node: ast.AST) -> int:
    """How many decisions a node of the tree is by itself, without its children."""
    match node:
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler():
            return 1
        case ast.BoolOp(values=values):
            return len(values) - 1
        case ast.comprehension(ifs=conditions):
            return 1 + len(conditions)
        case ast.match_case(pattern=ast.MatchAs(pattern=None, name=None), guard=None):
            return 0
        case ast.match_case():
            return 1
        case _:
            return 0


def excess(functions: Iterable[int]) -> int:
    """The points of complexity above McCabe's limit, over all functions."""
    return sum(complexity - MCCABE_LIMIT for complexity in functions if complexity > MCCABE_LIMIT)


def histogram(functions: Iterable[int]) -> list[int]:
    """How many functions fall into each bucket."""
    counts = [0] * (len(BUCKETS) + 1)
    for complexity in functions:
        counts[bucket_of(complexity)] += 1
    return counts


def bucket_of(complexity: int) -> int:
    return next((at for at, upper in enumerate(BUCKETS) if complexity <= upper), len(BUCKETS))


def _enter(counted: Census, node: ast.AST, owner: Measured, scope: str) -> list[_Place]:
    if isinstance(node, Function):
        return _enter_function(counted, node, owner, scope)
    if isinstance(node, ast.ClassDef):
        counted.classes += 1
        scope = f"{scope}{node.name}."
        _note_docstring(counted, node)
    return [(child, owner, scope) for child in _children(node)]


def _enter_function(counted: Census, node: Function, owner: Measured, scope: str) -> list[_Place]:
    function = Measured(f"{scope}{node.name}", node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)
    counted.functions.append(function)
    _note_docstring(counted, node)
    defining = [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]
    inside = f"{function.name}."
    return [(child, owner, scope) for child in defining] + [(child, function, inside) for child in node.body]


_LEAVES = (ast.Name, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.alias, ast.Pass)


def _children(node: ast.AST) -> list[ast.AST]:
    """What `ast.iter_child_nodes` gives, without the leaves that nothing is counted in, in half the time."""
    children: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            children.extend(item for item in value if isinstance(item, ast.AST) and not isinstance(item, _LEAVES))
        elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
            children.append(value)
    return children


def _note_docstring(counted: Census, node: ast.Module | ast.ClassDef | Function) -> None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str(), lineno=first, end_lineno=int(last))), *_]:
            counted.texts.append((first, last, True))


def _note_text(counted: Census, node: ast.Constant | ast.JoinedStr) -> None:
    first, last = node.lineno, node.end_lineno or node.lineno
    if last > first:
        counted.texts.append((first, last, False))
