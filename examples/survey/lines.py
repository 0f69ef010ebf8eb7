"""Counting lines: all, those with code, and those that admit that something is left to do."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

_TO_DO = re.compile(r"\b(?:TODO|FIXME)\b")


@dataclass(frozen=True)
class LineCount:
    """`code` are lines that are neither blank, nor only a comment, nor part of a docstring."""

    all: int
    code: int
    todos: int


def count_lines(text: str, texts: list[tuple[int, int, bool]]) -> LineCount:
    """Count the lines of a file; `texts` are its long strings: first line, last line, is a docstring."""
    lines = io.StringIO(text, newline=None).read().split("\n")
    if not lines[-1]:
        lines.pop()
    docstrings = _covered(span for span in texts if span[2])
    quoted = _covered(span for span in texts if not span[2]) - docstrings
    code = sum(_is_code(line, number in quoted) for number, line in enumerate(lines, 1) if number not in docstrings)
    todos = sum(_is_to_do(line) for number, line in enumerate(lines, 1) if number not in quoted)
    return LineCount(all=len(lines), code=code, todos=todos)


def _is_to_do(line: str) -> bool:
    comment = line.find("#")
    return comment >= 0 and bool(_TO_DO.search(line, comment))


def _covered(spans: Iterable[tuple[int, int, bool]]) -> set[int]:
    return {number for first, last, _ in spans for number in range(first, last + 1)}


def _is_code(line: str, quoted: bool) -> bool:  # noqa: FBT001
    stripped = line.strip()
    return bool(stripped) and (quoted or not stripped.startswith("#"))
