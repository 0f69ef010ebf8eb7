"""Reducing measurements to packages. Reducing is associative, so a package may be measured in parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import zip_longest
from math import log2

from finding import Finding
from hotspots import KEPT_PER_PACKAGE, FileMeasure, hottest_files, hottest_functions
from measure import FunctionMeasure, Measurement
from pydantic import BaseModel

KEPT_FINDINGS = 8
"""Of each kind, for each package."""

KEPT_SLOWEST = 3


class SlowFile(BaseModel):
    """How long one file took to measure."""

    file: str
    milliseconds: float


class Package(BaseModel):
    """What a package is like, in a few KB.

    `sizes` places every file that has functions on a grid: `"x:y"`, in half powers of two of its lines and of its
    most complex function, to the number of such files.
    """

    name: str
    files: int = 0
    bytes: int = 0
    lines: int = 0
    code_lines: int = 0
    classes: int = 0
    functions: int = 0
    complexity: int = 0
    excess: int = 0
    todos: int = 0
    histogram: list[int] = []
    sizes: dict[str, int] = {}
    hot_files: list[FileMeasure] = []
    hot_functions: list[FunctionMeasure] = []
    longest: FunctionMeasure | None = None
    findings: list[Finding] = []
    finding_counts: dict[str, int] = {}
    milliseconds: float = 0.0
    slowest: list[SlowFile] = []

    @property
    def title(self) -> str:
        """What a reader knows it by."""
        return "(top level)" if self.name == "." else self.name


class ReducedPackage(BaseModel):
    """A package, and its part of the import graph: each module's imports at import time."""

    package: Package
    imports: dict[str, list[str]]


def reduce_measurements(name: str, measurements: Iterable[Measurement]) -> ReducedPackage:
    """Reduce the files of one package, or of a part of one."""
    files = list(measurements)
    imports = {file.module: file.imports for file in files if file.module}
    return ReducedPackage(package=merged(name, [_package_of(name, file) for file in files]), imports=imports)


def merged(name: str, parts: list[Package]) -> Package:
    """One package of several, as if all their files had been reduced at once."""
    return Package(
        name=name,
        histogram=_added(part.histogram for part in parts),
        sizes=_counted(part.sizes for part in parts),
        hot_files=hottest_files((file for part in parts for file in part.hot_files), KEPT_PER_PACKAGE),
        hot_functions=hottest_functions((item for part in parts for item in part.hot_functions), KEPT_PER_PACKAGE),
        longest=max((part.longest for part in parts if part.longest), key=lambda item: item.lines, default=None),
        findings=few_of_each_kind((finding for part in parts for finding in part.findings), KEPT_FINDINGS),
        finding_counts=_counted(part.finding_counts for part in parts),
        milliseconds=sum(part.milliseconds for part in parts),
        slowest=_slowest(file for part in parts for file in part.slowest),
        **{field: sum(getattr(part, field) for part in parts) for field in _SUMMED},
    )


_COUNTED = ("bytes", "lines", "code_lines", "classes", "functions", "complexity", "excess", "todos")
_SUMMED = ("files", *_COUNTED)


def _package_of(name: str, file: Measurement) -> Package:
    return Package(
        name=name,
        files=1,
        histogram=file.histogram,
        sizes={_cell(FileMeasure.of(file)): 1} if file.functions else {},
        hot_files=[FileMeasure.of(file)],
        hot_functions=file.hardest,
        longest=file.longest,
        findings=file.findings,
        finding_counts=Counter(finding.kind for finding in file.findings),
        milliseconds=file.milliseconds,
        slowest=[SlowFile(file=file.file, milliseconds=file.milliseconds)],
        **{field: getattr(file, field) for field in _COUNTED},
    )


def _cell(file: FileMeasure) -> str:
    return f"{round(2 * log2(max(file.lines, 1)))}:{round(2 * log2(max(file.hardest, 1)))}"


def few_of_each_kind(findings: Iterable[Finding], keep: int) -> list[Finding]:
    """The first few of each kind: a thousand empty files must not crowd out the one that is broken."""
    seen: Counter[str] = Counter()
    few = []
    for finding in findings:
        seen[finding.kind] += 1
        if seen[finding.kind] <= keep:
            few.append(finding)
    return few


def _slowest(files: Iterable[SlowFile]) -> list[SlowFile]:
    return sorted(files, key=lambda file: (-file.milliseconds, file.file))[:KEPT_SLOWEST]


def _added(histograms: Iterable[list[int]]) -> list[int]:
    return [sum(column) for column in zip_longest(*histograms, fillvalue=0)]


def _counted(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
