"""Finding the files to survey, grouped into packages of a size that suits the next step."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from finding import Finding, found
from pydantic import BaseModel

PACKAGES_LIMIT = 300
"""More packages than this are folded into their parents: nobody reads a chart of thousands."""

PART_FILES = 250
"""Files per part of a package: 250 measurements of up to 4 KB stay far below a message's limit of 8 MiB."""

FINDINGS_LIMIT = 200

_NOT_OURS = {"__pycache__", "site-packages", "dist-packages", "node_modules"}


class PackageListing(BaseModel):
    """The files of a package, or of a part of one that is very large. File names are relative to the root."""

    name: str
    root: str
    files: list[str]


class Listing(BaseModel):
    """The tree to survey. `findings` are about names that were left out."""

    root: str
    files: int
    packages: list[PackageListing]
    findings: list[Finding]


def list_tree(path: str | None) -> Listing:
    """List the Python files under `path`; without one, Python's own standard library on this machine."""
    root = Path(path or sysconfig.get_path("stdlib")).expanduser().resolve()
    if not root.is_dir():
        raise NotADirectoryError(
            f"there is no folder {root} on the machine that runs this task; name one that is there"
        )
    findings: list[Finding] = []
    files = sorted(_python_files(root, findings))
    packages = [part for name, inside in _packages(files) for part in _parts(name, str(root), inside)]
    return Listing(root=str(root), files=len(files), packages=packages, findings=findings[:FINDINGS_LIMIT])


def _python_files(root: Path, findings: list[Finding]) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        findings.append(found(_relative(root, str(error.filename)), "unreadable", error.strerror))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if _is_ours(folder, name))
        for name in names:
            if not name.endswith(".py"):
                continue
            file = _relative(root, os.path.join(folder, name))  # noqa: PTH118  (a Path per file triples the time)
            if _is_utf8(file):
                yield file
            else:
                findings.append(found(_shown(file), "name"))


def _is_ours(folder: str, name: str) -> bool:
    path = Path(folder, name)
    return (
        name not in _NOT_OURS
        and not name.startswith(".")
        and not path.is_symlink()
        and not (path / "pyvenv.cfg").exists()
    )


def _relative(root: Path, path: str) -> str:
    return os.path.relpath(path, root)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return os.fsencode(name).decode(errors="backslashreplace")


def _packages(files: list[str]) -> list[tuple[str, list[str]]]:
    depth = _depth([PurePosixPath(file).parent.parts for file in files])
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault("/".join(PurePosixPath(file).parent.parts[:depth]) or ".", []).append(file)
    return sorted(groups.items())


def _depth(folders: list[tuple[str, ...]]) -> int:
    """The greatest depth of folders at which there are not too many of them; at least 1."""
    deepest = max((len(parts) for parts in folders), default=1)
    fitting = (depth for depth in range(deepest, 1, -1) if len({parts[:depth] for parts in folders}) <= PACKAGES_LIMIT)
    return next(fitting, 1)


def _parts(name: str, root: str, files: list[str]) -> Iterator[PackageListing]:
    for start in range(0, len(files), PART_FILES):
        yield PackageListing(name=name, root=root, files=files[start : start + PART_FILES])
