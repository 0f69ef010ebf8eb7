"""What a module imports while it is being imported itself: the edges of the import graph."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeGuard


@dataclass(frozen=True)
class ModuleName:
    """A module's dotted name, and whether it is a package (an `__init__.py`)."""

    dotted: str
    is_package: bool

    @property
    def package(self) -> str:
        """The package against which its relative imports are resolved."""
        return self.dotted if self.is_package else self.dotted.rpartition(".")[0]


def module_name(root: Path, file: str) -> ModuleName:
    """The name under which `file` would be imported.

    It starts at the topmost of the folders with an `__init__.py` around the file, above the root too. A folder
    without one is taken for a namespace package, counted from the root.
    """
    path = PurePosixPath(file)
    is_package = path.name == "__init__.py"
    parts = [*_packages_around(root, path.parent), *([] if is_package else [path.stem])]
    return ModuleName(".".join(parts), is_package)


def _packages_around(root: Path, folder: PurePosixPath) -> tuple[str, ...]:
    full = root / folder
    if not _is_package(full):
        return folder.parts[1:] if folder.parts[:1] == ("src",) else folder.parts
    return (*_chain_above(full.parent), full.name)


def _chain_above(folder: Path) -> tuple[str, ...]:
    names: list[str] = []
    while _is_package(folder) and folder.name:
        names.append(folder.name)
        folder = folder.parent
    return tuple(reversed(names))


def _is_package(folder: Path) -> bool:
    try:
        return (folder / "__init__.py").is_file()
    except (OSError, ValueError):
        return False


def imported(tree: ast.Module, module: ModuleName) -> list[str]:
    """The dotted names that the module imports at import time, sorted, each once.

    `from a import b` gives `a.b`, which may be a module or a name in `a`: only somebody who knows all modules can
    tell. Imports inside functions, under `if TYPE_CHECKING` and under `if __name__ == "__main__"` do not run at import
    time and are left out.
    """
    names = {name for statement in _statements(tree) for name in _names(statement, module)}
    return sorted(names)


def _statements(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif _is_false_when_imported(node):
            waiting.extend(node.orelse)
        elif isinstance(node, _RUN_AT_IMPORT) and not isinstance(node, _DEFERRED):
            waiting.extend(ast.iter_child_nodes(node))


_RUN_AT_IMPORT = (ast.Module, ast.stmt, ast.ExceptHandler, ast.match_case)
_DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef)


def _is_false_when_imported(node: ast.AST) -> TypeGuard[ast.If]:
    match node:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()])):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return True
        case _:
            return False


def _names(statement: ast.Import | ast.ImportFrom, module: ModuleName) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    base = _base(statement, module)
    for alias in statement.names:
        name = ".".join(part for part in (base, alias.name) if part and part != "*")
        if name:
            yield name


def _base(statement: ast.ImportFrom, module: ModuleName) -> str:
    if not statement.level:
        return statement.module or ""
    above = module.package.split(".")
    kept = above[: len(above) - (statement.level - 1)]
    return ".".join([*kept, *([statement.module] if statement.module else [])])
