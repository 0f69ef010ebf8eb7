"""Measuring one file. Whatever is in it, there is a measurement: what stands in the way is a finding in it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from pathlib import Path

from complexity import Census, Measured, census, excess, histogram
from finding import Finding, found
from imports import ModuleName, imported, module_name
from lines import count_lines
from pydantic import BaseModel
from source import decode, read_source

KEPT_FUNCTIONS = 3
KEPT_IMPORTS = 250
NAME_LIMIT = 120
"""Characters. A generated name may have thousands, and a measurement has to stay small."""


class FunctionMeasure(BaseModel):
    """One function that is worth being named."""

    file: str
    name: str
    line: int
    lines: int
    complexity: int


class Measurement(BaseModel):
    """What one file is like. `complexity` is the sum over its functions, `hardest` the few worst of them."""

    file: str
    module: str
    bytes: int = 0
    lines: int = 0
    code_lines: int = 0
    classes: int = 0
    functions: int = 0
    complexity: int = 0
    excess: int = 0
    histogram: list[int] = []
    hardest: list[FunctionMeasure] = []
    longest: FunctionMeasure | None = None
    imports: list[str] = []
    todos: int = 0
    findings: list[Finding] = []
    milliseconds: float = 0.0


def measure_file(root: Path, file: str) -> Measurement:
    """Measure one file of the tree under `root`."""
    content = read_source(root, file)
    if isinstance(content, Finding):
        return Measurement(file=file, module="", findings=[content])
    return measure_bytes(content, file, module_name(root, file))


def measure_bytes(content: bytes, file: str, module: ModuleName) -> Measurement:
    """Measure what was read."""
    blank = Measurement(file=file, module=module.dotted, bytes=len(content))
    if not content:
        return blank.model_copy(update={"findings": [found(file, "empty")]})
    text = decode(content, file)
    if isinstance(text, Finding):
        return blank.model_copy(update={"findings": [text]})
    return _measure_text(text, module, blank)


def _measure_text(text: str, module: ModuleName, blank: Measurement) -> Measurement:
    tree = parse(text, blank.file)
    if isinstance(tree, Finding):
        count = count_lines(text, [])
        seen = {"lines": count.all, "code_lines": count.code, "todos": count.todos, "findings": [tree]}
        return blank.model_copy(update=seen)
    counted = census(tree)
    count = count_lines(text, counted.texts)
    seen = {"lines": count.all, "code_lines": count.code, "todos": count.todos}
    imports = imported(tree, module)
    return blank.model_copy(update=seen | _functions(counted, blank.file) | _imports(imports, blank.file))


def parse(text: str, file: str) -> ast.Module | Finding:
    """The syntax tree, or why there is none. Warnings about the surveyed code are not ours to print."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return found(file, "syntax", error.msg, error.lineno)
    except (RecursionError, MemoryError) as error:
        return found(file, "too_nested", error)
    except ValueError as error:
        return found(file, "syntax", error)


def _functions(counted: Census, file: str) -> dict[str, object]:
    complexities = [function.complexity for function in counted.functions]
    longest = max(counted.functions, key=lambda function: function.lines, default=None)
    return {
        "classes": counted.classes,
        "functions": len(complexities),
        "complexity": sum(complexities),
        "excess": excess(complexities),
        "histogram": histogram(complexities) if complexities else [],
        "hardest": [_named(function, file) for function in _hardest(counted.functions)],
        "longest": _named(longest, file) if longest else None,
    }


def _hardest(functions: Sequence[Measured]) -> list[Measured]:
    return sorted(functions, key=lambda function: (-function.complexity, function.line))[:KEPT_FUNCTIONS]


def _named(function: Measured, file: str) -> FunctionMeasure:
    return FunctionMeasure(
        file=file,
        name=function.name[:NAME_LIMIT],
        line=function.line,
        lines=function.lines,
        complexity=function.complexity,
    )


def _imports(names: list[str], file: str) -> dict[str, object]:
    kept = [name for name in names if len(name) <= NAME_LIMIT][:KEPT_IMPORTS]
    if len(kept) == len(names):
        return {"imports": kept}
    return {"imports": kept, "findings": [found(file, "imports_cut", f"{len(kept)} of {len(names):,} kept")]}
