"""The sections about the tree as a whole: its import cycles, its findings, and how it was surveyed."""

from __future__ import annotations

from cycles import Cycle, ImportCycles
from finding import MEANING, Finding, FindingKind
from packages import Package
from survey import Survey

from report.figures import count, duration
from report.markup import Markup, joined, tag
from report.method import METHOD
from report.section import section
from report.table import bar, folded, table

_SHOWN_CYCLES = 9
_SHOWN_PACKAGES = 10
_OPEN_FINDINGS = 6
"""Longer groups stand folded."""


def cycles_section(survey: Survey) -> Markup:
    """Which modules need each other to be imported."""
    found = survey.cycles
    lead = f"{count(found.modules, 'module')}, {count(found.edges, 'import')} between them at import time, "
    lead += f"{count(found.count, 'cycle')}. Shown is a shortest way round each."
    if not found.cycles:
        return section(
            "cycles", "Import cycles", lead, tag("p", "No module imports itself through others.", class_="none")
        )
    shown = tag("ol", *(tag("li", *_cycle(cycle)) for cycle in found.cycles[:_SHOWN_CYCLES]), class_="cycles")
    return section("cycles", "Import cycles", lead, shown, _more_cycles(found))


def _cycle(cycle: Cycle) -> list[Markup]:
    shared = cycle.shared_package
    steps = [tag("code", module.removeprefix(shared)) for module in cycle.loop]
    arrow = tag("span", "→", class_="arrow")
    way = tag("span", *(joined(step, arrow) for step in steps), tag("span", "back", class_="back"), class_="way")
    where = joined(" of ", tag("code", shared)) if shared else None
    pieces = [tag("b", count(cycle.size, "module"), where), way]
    if cycle.size > len(cycle.loop):
        members = tag("p", *(joined(tag("code", module), " ") for module in cycle.modules), class_="members")
        pieces.append(folded("All modules of the cycle", members))
    return pieces


def _more_cycles(found: ImportCycles) -> Markup | None:
    rest = found.cycles[_SHOWN_CYCLES:]
    if not rest:
        return None
    more = tag("ol", *(tag("li", *_cycle(cycle)) for cycle in rest), class_="cycles", start=_SHOWN_CYCLES + 1)
    return folded(f"{count(len(rest))} more", more)


def findings_section(survey: Survey) -> Markup:
    """What could not be measured, and why."""
    counts = survey.total.finding_counts
    lead = "Files that say something about themselves. None of them stopped the survey."
    if not counts:
        return section("findings", "Findings", lead, tag("p", "Every file could be read and parsed.", class_="none"))
    groups = (_finding_group(kind, counts[kind], survey.total.findings) for kind in MEANING if counts.get(kind))
    return section("findings", "Findings", lead, *groups)


def _finding_group(kind: FindingKind, number: int, findings: list[Finding]) -> Markup:
    shown = [finding for finding in findings if finding.kind == kind]
    items = [tag("li", tag("code", finding.file), _detail(finding)) for finding in shown]
    if number > len(shown):
        items.append(tag("li", f"and {count(number - len(shown))} more", class_="more"))
    summary = tag("summary", tag("b", count(number)), " ", MEANING[kind])
    return tag("details", summary, tag("ul", *items, class_="findings"), open=number <= _OPEN_FINDINGS, class_="group")


def _detail(finding: Finding) -> Markup | None:
    where = f"line {finding.line}" if finding.line else ""
    text = ": ".join(part for part in (where, finding.detail) if part)
    return tag("small", text) if text else None


def time_section(survey: Survey) -> Markup:
    """Where the time went."""
    measuring = survey.total.milliseconds / 1000
    lead = f"{duration(measuring)} of measuring fitted into {duration(survey.seconds)} from the listing to this page"
    lead += f": {measuring / survey.seconds:.1f} files at a time." if survey.seconds else "."
    slowest_packages = sorted(survey.packages, key=lambda package: -package.milliseconds)[:_SHOWN_PACKAGES]
    rows = [_time_row(package, slowest_packages[0]) for package in slowest_packages]
    packages = table("Time to measure, by package", ("Package", "Time", "Per file"), rows, (1, 2))
    files = [(tag("code", file.file), duration(file.milliseconds / 1000)) for file in survey.total.slowest]
    slowest = folded("The slowest files", table("Slowest files", ("File", "Time"), files, (1,)))
    return section("time", "Where the time went", lead, packages, slowest)


def _time_row(package: Package, longest: Package) -> tuple[Markup | str, ...]:
    share = package.milliseconds / (longest.milliseconds or 1)
    per_file = package.milliseconds / max(package.files, 1) / 1000
    return tag("code", package.title), bar(share, duration(package.milliseconds / 1000)), duration(per_file)


def method_section(survey: Survey) -> Markup:
    """What the figures mean."""
    items = (joined(tag("dt", name), tag("dd", meaning)) for name, meaning in METHOD)
    lead = f"Every figure of the {count(survey.total.files, 'file')} is counted from the syntax tree or the text."
    return section("method", "What was counted", lead, tag("dl", *items, class_="method"))
