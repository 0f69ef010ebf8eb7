"""Hot spots: the code that is hardest to change.

A function's heat is its cyclomatic complexity. A file's heat is its *excess*: every point of complexity above
McCabe's limit of 10, summed over its functions. Long files of simple functions are not hot.
"""

from __future__ import annotations

from collections.abc import Iterable

from measure import FunctionMeasure, Measurement
from pydantic import BaseModel

KEPT_PER_PACKAGE = 12
KEPT = 20


class FileMeasure(BaseModel):
    """One file that is worth being named. `hardest` is the complexity of its most complex function."""

    file: str
    lines: int
    functions: int
    excess: int
    hardest: int

    @classmethod
    def of(cls, file: Measurement) -> FileMeasure:
        hardest = max((function.complexity for function in file.hardest), default=0)
        return cls(file=file.file, lines=file.lines, functions=file.functions, excess=file.excess, hardest=hardest)


class HotSpots(BaseModel):
    """The hottest files and functions of a tree, hottest first."""

    files: list[FileMeasure]
    functions: list[FunctionMeasure]


def hottest_files(files: Iterable[FileMeasure], keep: int = KEPT) -> list[FileMeasure]:
    """The files with the most excess; a file without any is not hot."""
    hot = (file for file in files if file.excess)
    return sorted(hot, key=lambda file: (-file.excess, -file.hardest, file.file))[:keep]


def hottest_functions(functions: Iterable[FunctionMeasure], keep: int = KEPT) -> list[FunctionMeasure]:
    """The most complex functions; of two alike, the longer one."""
    return sorted(functions, key=lambda item: (-item.complexity, -item.lines, item.file, item.line))[:keep]
