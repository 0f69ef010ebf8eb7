"""The skills of the survey: what the teams of scouts and analysts can do.

Each is a plain function that Warren calls with a task's input; the work itself is done by the modules beside.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from cycles import ImportCycles, find_cycles
from finding import Finding
from hotspots import HotSpots, hottest_files, hottest_functions
from listing import Listing, list_tree
from measure import Measurement, measure_file
from packages import Package, ReducedPackage, reduce_measurements
from pydantic import BaseModel
from report.figures import above_limit
from report.writer import write_reports
from survey import Survey, assembled

from warren import skill


class TimedListing(Listing):
    """A listing, and when it was made: the survey's beginning."""

    started: datetime


class SurveyResult(BaseModel):
    """What the client gets: where the reports are (absolute paths), and the figures that fit on a screen.

    Nothing here depends on how long the survey took, or on which worker did what.
    """

    html: str
    markdown: str
    root: str
    files: int
    packages: int
    lines: int
    code_lines: int
    functions: int
    classes: int
    functions_above_limit: int
    import_cycles: int
    todos: int
    findings: dict[str, int]
    hottest: list[str]


@skill("list_files", team="scouts", permanent=NotADirectoryError)
def list_files(path: str | None = None) -> TimedListing:
    """The Python files under `path`, by package; of Python's own standard library if there is no path."""
    started = datetime.now(UTC)
    return TimedListing(started=started, **dict(list_tree(path)))


@skill("measure", team="scouts", cpu=True)
def measure(root: str, file: str) -> Measurement:
    """One file, measured. A file that cannot be measured is a finding, not a failure."""
    began = perf_counter()
    measurement = measure_file(Path(root), file)
    milliseconds = round((perf_counter() - began) * 1000, 2)
    return measurement.model_copy(update={"milliseconds": milliseconds})


@skill("reduce_package", team="analysts")
def reduce_package(name: str, measurements: list[Measurement]) -> ReducedPackage:
    """One package, or a part of one, of the measurements of its files."""
    return reduce_measurements(name, measurements)


@skill("find_hot_spots", team="analysts")
def find_hot_spots(packages: list[Package]) -> HotSpots:
    """The files and functions of the whole tree that are hardest to change."""
    return HotSpots(
        files=hottest_files(file for package in packages for file in package.hot_files),
        functions=hottest_functions(item for package in packages for item in package.hot_functions),
    )


@skill("find_import_cycles", team="analysts")
def find_import_cycles(imports: list[dict[str, list[str]]]) -> ImportCycles:
    """The modules that need each other to be imported."""
    return find_cycles(imports)


@skill("write_report", team="analysts")
def write_report(
    root: str,
    started: datetime,
    unlisted: list[Finding],
    packages: list[Package],
    hot_spots: HotSpots,
    cycles: ImportCycles,
    report_dir: str = "survey-report",
) -> SurveyResult:
    """Write `survey.html` and `survey.md` into `report_dir`, which is made if it is not there."""
    survey = assembled(
        root=root,
        started=started,
        finished=datetime.now(UTC),
        unlisted=unlisted,
        parts=packages,
        hot_spots=hot_spots,
        cycles=cycles,
    )
    written = write_reports(survey, Path(report_dir).expanduser())
    return _result(survey, html=written.html, markdown=written.markdown)


def _result(survey: Survey, *, html: str, markdown: str) -> SurveyResult:
    total = survey.total
    return SurveyResult(
        html=html,
        markdown=markdown,
        root=survey.root,
        files=total.files,
        packages=len(survey.packages),
        lines=total.lines,
        code_lines=total.code_lines,
        functions=total.functions,
        classes=total.classes,
        functions_above_limit=above_limit(total.histogram),
        import_cycles=survey.cycles.count,
        todos=total.todos,
        findings=dict(sorted(total.finding_counts.items())),
        hottest=[f"{item.file}:{item.line} {item.name} ({item.complexity})" for item in survey.hot_spots.functions[:5]],
    )
