"""The survey: all that is known of a tree in the end, ready to be reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from cycles import ImportCycles
from finding import Finding
from hotspots import HotSpots
from packages import Package, few_of_each_kind, merged
from pydantic import BaseModel

KEPT_FINDINGS = 12
"""Of each kind: what a report shows of them."""


class Survey(BaseModel):
    """A tree, surveyed. `packages` are sorted by lines of code, largest first."""

    root: str
    started: datetime
    finished: datetime
    total: Package
    packages: list[Package]
    hot_spots: HotSpots
    cycles: ImportCycles

    @property
    def seconds(self) -> float:
        """From the listing to the report."""
        return (self.finished - self.started).total_seconds()


def assembled(
    *,
    root: str,
    started: datetime,
    finished: datetime,
    unlisted: list[Finding],
    parts: list[Package],
    hot_spots: HotSpots,
    cycles: ImportCycles,
) -> Survey:
    """Put the pieces together: parts of packages, and findings about what could not be listed."""
    packages = _whole(parts)
    total = merged("", packages)
    findings = [*unlisted, *(finding for package in packages for finding in package.findings)]
    counts = Counter(total.finding_counts) + Counter(finding.kind for finding in unlisted)
    told = {"findings": few_of_each_kind(findings, KEPT_FINDINGS), "finding_counts": dict(counts)}
    return Survey(
        root=root,
        started=started,
        finished=max(started, finished),
        total=total.model_copy(update=told),
        packages=packages,
        hot_spots=hot_spots,
        cycles=cycles,
    )


def _whole(parts: Iterable[Package]) -> list[Package]:
    by_name: dict[str, list[Package]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    packages = [merged(name, same) for name, same in by_name.items()]
    return sorted(packages, key=lambda package: (-package.code_lines, package.name))
