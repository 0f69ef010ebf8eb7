"""The survey as Markdown: the same facts as the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from finding import MEANING, Finding
from survey import Survey

from report.figures import above_limit, average, bucket_names, count, duration, percent
from report.method import METHOD
from report.notes import Name, Sentence, headlines
from report.visible import code_span

_SHOWN_PACKAGES = 40


def markdown_page(survey: Survey) -> str:
    """The whole document."""
    blocks = [
        *_head(survey),
        *_packages(survey),
        *_complexity(survey),
        *_hot_spots(survey),
        *_cycles(survey),
        *_findings(survey),
        *_time(survey),
        "## What was counted",
        "\n".join(f"- **{name}**: {meaning}" for name, meaning in METHOD),
    ]
    return "\n\n".join(blocks) + "\n"


def _head(survey: Survey) -> Iterator[str]:
    total, over = survey.total, above_limit(survey.total.histogram)
    yield "# Survey"
    yield f"{code_span(survey.root)}, {survey.finished:%d %B %Y, %H:%M} UTC, surveyed in {duration(survey.seconds)}."
    yield "\n".join(f"- {_sentence(line)}" for line in headlines(survey)) or "There is no code here."
    yield _table(
        ("Figure", "Value"),
        [
            ("Files", count(total.files)),
            ("Packages", count(len(survey.packages))),
            ("Lines", count(total.lines)),
            ("Lines of code", count(total.code_lines)),
            ("Functions", count(total.functions)),
            ("Classes", count(total.classes)),
            ("Functions above complexity 10", f"{count(over)} ({percent(over, total.functions)})"),
            ("Import cycles", count(survey.cycles.count)),
            ("Findings", count(sum(total.finding_counts.values()))),
            ("TODO and FIXME", count(total.todos)),
        ],
    )


def _sentence(pieces: Sentence) -> str:
    return "".join(code_span(piece) if isinstance(piece, Name) else piece for piece in pieces)


def _packages(survey: Survey) -> Iterator[str]:
    yield "## Where the code is"
    heads = ("Package", "Files", "Lines of code", "Functions", "Average complexity", "Above 10")
    yield _table(
        heads,
        [
            (
                code_span(package.title),
                count(package.files),
                count(package.code_lines),
                count(package.functions),
                f"{average(package.complexity, package.functions):.1f}",
                count(above_limit(package.histogram)),
            )
            for package in survey.packages[:_SHOWN_PACKAGES]
        ],
    )
    if len(survey.packages) > _SHOWN_PACKAGES:
        yield f"And {count(len(survey.packages) - _SHOWN_PACKAGES)} smaller ones: see the page."


def _complexity(survey: Survey) -> Iterator[str]:
    yield "## How complex the functions are"
    rows = zip(bucket_names(), survey.total.histogram, strict=False)
    functions = survey.total.functions
    yield _table(
        ("Complexity", "Functions", "Share"),
        [(name, count(number), percent(number, functions)) for name, number in rows],
    )


def _hot_spots(survey: Survey) -> Iterator[str]:
    yield "## Hot spots"
    files = survey.hot_spots.files
    yield _table(
        ("File", "Excess", "Most complex function", "Lines"),
        [(code_span(file.file), count(file.excess), str(file.hardest), count(file.lines)) for file in files],
    )
    yield _table(
        ("Function", "Where", "Complexity", "Lines"),
        [
            (code_span(item.name), code_span(f"{item.file}:{item.line}"), str(item.complexity), count(item.lines))
            for item in survey.hot_spots.functions
        ],
    )


def _cycles(survey: Survey) -> Iterator[str]:
    found = survey.cycles
    yield "## Import cycles"
    size = f"{count(found.modules, 'module')}, {count(found.edges, 'import')} between them"
    yield f"{size}, {count(found.count, 'cycle')}."
    if found.cycles:
        lines = (
            f"{at}. {count(cycle.size, 'module')}: {_round(cycle.loop)}" for at, cycle in enumerate(found.cycles, 1)
        )
        yield "\n".join(lines)


def _round(loop: list[str]) -> str:
    return " → ".join(code_span(module) for module in [*loop, loop[0]])


def _findings(survey: Survey) -> Iterator[str]:
    yield "## Findings"
    counts = survey.total.finding_counts
    if not counts:
        yield "Every file could be read and parsed."
    for kind, meaning in MEANING.items():
        if counts.get(kind):
            yield f"**{count(counts[kind])}**: {meaning}"
            shown = [finding for finding in survey.total.findings if finding.kind == kind]
            more = [f"- and {count(counts[kind] - len(shown))} more"] if counts[kind] > len(shown) else []
            yield "\n".join([*(f"- {_finding(finding)}" for finding in shown), *more])


def _finding(finding: Finding) -> str:
    where = f", line {finding.line}" if finding.line else ""
    detail = f": {code_span(finding.detail)}" if finding.detail else ""
    return f"{code_span(finding.file)}{where}{detail}"


def _time(survey: Survey) -> Iterator[str]:
    yield "## Where the time went"
    yield f"{duration(survey.total.milliseconds / 1000)} of measuring fitted into {duration(survey.seconds)}."
    slowest = sorted(survey.packages, key=lambda package: -package.milliseconds)[:10]
    yield _table(
        ("Package", "Time", "Files"),
        [(code_span(item.title), duration(item.milliseconds / 1000), count(item.files)) for item in slowest],
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *("---:" for _ in heads[1:])]
    lines = [" | ".join(cell.replace("|", "\\|") for cell in cells) for cells in (heads, ruler, *rows)]
    return "\n".join(f"| {line} |" for line in lines)
