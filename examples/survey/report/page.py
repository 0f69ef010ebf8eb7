"""The survey as one HTML page that needs nothing else: no network, no script, no font."""

from __future__ import annotations

from pathlib import Path

from survey import Survey

from report.code_sections import complexity_section, hot_section, packages_section, size_section
from report.figures import above_limit, count, duration, percent, short
from report.markup import Markup, joined, tag
from report.notes import Name, headlines
from report.tree_sections import cycles_section, findings_section, method_section, time_section

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Even if something slipped through the escaping, a browser would neither run nor fetch it."""


def html_page(survey: Survey) -> str:
    """The whole page."""
    style = Markup((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"Survey of {survey.root}"),
        tag("style", style),
    )
    body = tag("body", _header(survey), tag("main", *_sections(survey)), _footer(survey))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(survey: Survey) -> list[Markup]:
    return [
        packages_section(survey),
        complexity_section(survey),
        size_section(survey),
        hot_section(survey),
        cycles_section(survey),
        findings_section(survey),
        time_section(survey),
        method_section(survey),
    ]


def _header(survey: Survey) -> Markup:
    folder = survey.root.rstrip("/").rpartition("/")[2] or survey.root
    about = f"{survey.finished:%d %B %Y, %H:%M} UTC · {count(survey.total.files, 'file')} in "
    about += f"{count(len(survey.packages), 'package')} · surveyed in {duration(survey.seconds)}"
    return tag(
        "header",
        tag("p", _mark(), tag("span", "Survey"), class_="eyebrow"),
        tag("h1", folder),
        tag("p", tag("code", survey.root), class_="path"),
        tag("p", about, class_="about"),
        _tiles(survey),
        tag("ul", *(tag("li", *map(_piece, line)) for line in headlines(survey)), class_="headlines"),
    )


def _piece(text: str) -> Markup:
    return tag("code", text) if isinstance(text, Name) else joined(text)


def _tiles(survey: Survey) -> Markup:
    total, over = survey.total, above_limit(survey.total.histogram)
    tiles = [
        (short(total.code_lines), "lines of code", f"{count(total.lines)} lines in all"),
        (short(total.functions), "functions", f"in {count(total.classes, 'class', 'classes')} and modules"),
        (percent(over, total.functions), "complexity over 10", count(over, "function")),
        (count(survey.cycles.count), "import cycles", f"among {count(survey.cycles.modules, 'module')}"),
        (count(sum(total.finding_counts.values())), "findings", "files with something to say about them"),
        (count(total.todos), "TODO and FIXME", "work left in comments"),
    ]
    return tag("dl", *(_tile(*tile) for tile in tiles), class_="tiles")


def _tile(value: str, name: str, note: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value, class_="value"), tag("dd", note, class_="note"))


def _mark() -> Markup:
    burrows = (tag("circle", cx=x, cy=y, r=r) for x, y, r in ((12, 5, 3.2), (5, 18, 3.2), (19, 18, 3.2)))
    ways = tag("path", d="M12 8v4M12 12 7 16M12 12l5 4", class_="way")
    return tag("svg", joined(ways, *burrows), viewBox="0 0 24 24", class_="mark", aria_hidden="true")


def _footer(survey: Survey) -> Markup:
    return tag("footer", f"Made by a cluster of Warren: one task for each of {count(survey.total.files, 'file')}.")
