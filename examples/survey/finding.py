"""A finding: something about a file that a reader of the survey should know, and that is no reason to stop."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

FindingKind = Literal[
    "syntax",
    "encoding",
    "binary",
    "too_large",
    "too_nested",
    "empty",
    "unreadable",
    "symlink",
    "outside",
    "not_a_file",
    "name",
    "imports_cut",
]

MEANING: dict[FindingKind, str] = {
    "syntax": "Python cannot parse the file",
    "encoding": "the bytes are not text in the encoding that the file declares",
    "binary": "the file holds NUL bytes, so it is no text",
    "too_large": "the file is larger than the survey reads",
    "too_nested": "the code is nested too deeply to be parsed",
    "empty": "the file has no bytes",
    "unreadable": "the operating system would not let us read it",
    "symlink": "a symbolic link, which the survey does not follow",
    "outside": "the name leads out of the tree",
    "not_a_file": "a folder, device, socket or pipe, not a file",
    "name": "the file's name is not UTF-8, so it cannot travel in a message",
    "imports_cut": "so many imports that only the first were kept",
}

DETAIL_LIMIT = 200
"""Characters: a syntax error can quote a whole line of the file."""


class Finding(BaseModel):
    """One remark on one file."""

    model_config = ConfigDict(frozen=True)

    file: str
    kind: FindingKind
    detail: str = ""
    line: int = 0


def found(file: str, kind: FindingKind, detail: object = "", line: int | None = 0) -> Finding:
    """A finding whose detail is short enough to be sent along by the thousand."""
    text = str(detail).encode("utf-8", "backslashreplace").decode()
    return Finding(file=file, kind=kind, detail=text[:DETAIL_LIMIT], line=line or 0)
