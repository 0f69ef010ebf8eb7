"""The sections about the code: its packages, its complexity, its hot spots."""

from __future__ import annotations

from complexity import BUCKETS, MCCABE_LIMIT
from hotspots import FileMeasure
from measure import FunctionMeasure
from packages import Package
from survey import Survey

from report.bubbles import bubbles
from report.figures import above_limit, average, bucket_names, count, percent
from report.histogram import histogram_chart
from report.markup import Markup, joined, tag
from report.section import section
from report.table import bar, folded, table
from report.treemap import SHADES, treemap


def packages_section(survey: Survey) -> Markup:
    """Where the code is."""
    wide, narrow = treemap(survey.packages, 1080, 520, "wide"), treemap(survey.packages, 400, 520, "narrow")
    heads = ("Package", "Files", "Lines of code", "Functions", "Average complexity", "Above 10")
    rows = [_package_row(package) for package in survey.packages]
    listed = folded(f"All {count(len(rows), 'package')} as a table", table("Packages", heads, rows, range(1, 6)))
    lead = "A rectangle is a package; its area is its lines of code. Point at it for its figures."
    return section("packages", "Where the code is", lead, wide, narrow, _legend(), listed, class_="full")


def _package_row(package: Package) -> tuple[Markup | str | int, ...]:
    return (
        tag("code", package.title),
        count(package.files),
        count(package.code_lines),
        count(package.functions),
        f"{average(package.complexity, package.functions):.1f}",
        count(above_limit(package.histogram)),
    )


def _legend() -> Markup:
    names = [f"below {SHADES[0]:g}", *(f"from {shade:g}" for shade in SHADES)]
    steps = (tag("span", tag("i", class_=f"swatch s{at}"), name) for at, name in enumerate(names))
    return tag("p", tag("b", "Average complexity of a function"), *steps, class_="legend")


def complexity_section(survey: Survey) -> Markup:
    """How complex the functions are."""
    histogram = survey.total.histogram
    over = above_limit(histogram)
    lead = f"{count(over, 'function')} of {count(survey.total.functions)} ({percent(over, survey.total.functions)}) "
    lead += f"{'is' if over == 1 else 'are'} more complex than {MCCABE_LIMIT}, the limit that McCabe proposed."
    rows = [(name, count(number), percent(number, survey.total.functions)) for name, number in _buckets(histogram)]
    listed = folded("As a table", table("Functions by complexity", ("Complexity", "Functions", "Share"), rows, (1, 2)))
    charts = (histogram_chart(histogram, 560, 320, "wide"), histogram_chart(histogram, 400, 300, "narrow"))
    return section("complexity", "How complex the functions are", lead, *charts, listed)


def _buckets(histogram: list[int]) -> list[tuple[str, int]]:
    return list(zip(bucket_names(), histogram or [0] * (len(BUCKETS) + 1), strict=True))


def size_section(survey: Survey) -> Markup:
    """Size against complexity."""
    hot = survey.hot_spots.files
    charts = (
        bubbles(survey.total.sizes, hot, 560, 320, "wide"),
        bubbles(survey.total.sizes, hot, 400, 340, "narrow"),
    )
    lead = (
        "All files that have functions. Further up is harder to follow, further right is longer; named are hot spots."
    )
    return section("size", "Size against complexity", lead, *charts, _named_files(hot))


def _named_files(hot: list[FileMeasure]) -> Markup:
    rows = [(tag("code", file.file), count(file.lines), str(file.hardest)) for file in hot]
    heads = ("File", "Lines", "Most complex function")
    return folded("The hot spots as a table", table("Hot spots by size and complexity", heads, rows, (1, 2)))


def hot_section(survey: Survey) -> Markup:
    """What to look at first."""
    lead = f"A file's excess is every point of complexity above {MCCABE_LIMIT}, summed over its functions."
    files = _file_table(survey.hot_spots.files)
    functions = _function_table(survey.hot_spots.functions)
    halves = tag(
        "div", tag("div", tag("h3", "Files"), files), tag("div", tag("h3", "Functions"), functions), class_="two"
    )
    return section("hot", "Hot spots", lead, halves, class_="full")


def _file_table(files: list[FileMeasure]) -> Markup:
    if not files:
        return _none("No file has a function above the limit.")
    most = files[0].excess
    rows = [
        (tag("code", file.file), bar(file.excess / most, count(file.excess)), str(file.hardest), count(file.lines))
        for file in files
    ]
    return table("Hottest files", ("File", "Excess", "Worst", "Lines"), rows, (1, 2, 3))


def _function_table(functions: list[FunctionMeasure]) -> Markup:
    if not functions:
        return _none("There are no functions.")
    most = functions[0].complexity
    rows = [
        (_function(item), bar(item.complexity / most, str(item.complexity)), count(item.lines)) for item in functions
    ]
    return table("Most complex functions", ("Function", "Complexity", "Lines"), rows, (1, 2))


def _function(item: FunctionMeasure) -> Markup:
    return joined(tag("code", item.name), tag("small", f"{item.file}:{item.line}"))


def _none(text: str) -> Markup:
    return tag("p", text, class_="none")
