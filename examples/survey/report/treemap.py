"""A treemap of the packages: a package's area is its code, its shade how complex its functions are on average.

Laid out in squares as good as they come, after M. Bruls, K. Huizing, J. J. van Wijk, "Squarified Treemaps", 2000.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packages import Package

from report.figures import average, count, short
from report.markup import Markup, joined, tag

SHADES = (1.5, 2.0, 2.5, 3.5, 5.0)
"""Average complexities at which the next darker shade begins."""

_GAP = 2
_LETTER = 7.0
"""Width of an average letter, in units of the drawing."""


@dataclass(frozen=True)
class Box:
    """A rectangle, in units of the drawing."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, gap: float) -> Box:
        return Box(self.x + gap, self.y + gap, max(self.width - 2 * gap, 0), max(self.height - 2 * gap, 0))


def treemap(packages: Sequence[Package], width: int, height: int, class_: str) -> Markup:
    """The drawing. Packages of one top folder lie together."""
    groups = _groups([package for package in packages if package.code_lines])
    boxes = squarified([sum(package.code_lines for package in group) for group in groups], Box(0, 0, width, height))
    cells = joined(*(_group(group, box) for group, box in zip(groups, boxes, strict=True)))
    title = tag("title", "Packages by lines of code")
    summary = "Each rectangle is a package. The larger it is the more code it has; the darker, the more complex."
    label = {"role": "img", "aria_label": f"Packages by lines of code. {summary}"}
    return tag("svg", title, tag("desc", summary), cells, viewBox=f"0 0 {width} {height}", class_=class_, **label)


def shade(package: Package) -> int:
    """0 for the simplest packages to 5 for the most complex."""
    return sum(average(package.complexity, package.functions) >= limit for limit in SHADES)


def _groups(packages: list[Package]) -> list[list[Package]]:
    groups: dict[str, list[Package]] = {}
    for package in packages:
        groups.setdefault(package.name.partition("/")[0], []).append(package)
    return sorted(groups.values(), key=lambda group: -sum(package.code_lines for package in group))


def _group(group: list[Package], box: Box) -> Markup:
    inner = box.inset(_GAP / 2)
    boxes = squarified([package.code_lines for package in group], inner)
    cells = (_cell(package, cell.inset(_GAP / 4)) for package, cell in zip(group, boxes, strict=True))
    return tag("g", *cells)


def _cell(package: Package, box: Box) -> Markup:
    average_complexity = average(package.complexity, package.functions)
    title = f"{package.title}: {count(package.code_lines, 'line')} of code in {count(package.files, 'file')}, "
    title += f"average complexity {average_complexity:.1f}"
    rectangle = tag("rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=3)
    return tag("g", tag("title", title), rectangle, *_labels(package, box), class_=f"cell s{shade(package)}")


def _labels(package: Package, box: Box) -> Iterator[Markup]:
    name = package.title
    room = int((box.width - 10) / _LETTER)
    if room < 4 or box.height < 20:  # noqa: PLR2004
        return
    if len(name) > room:
        name = name.rpartition("/")[2]
    if len(name) > room:
        name = name[: room - 1] + "…"
    yield tag("text", name, x=box.x + 6, y=box.y + 16, class_="name")
    if box.height > 36:  # noqa: PLR2004
        yield tag("text", short(package.code_lines), x=box.x + 6, y=box.y + 31, class_="value")


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """Rectangles with areas in proportion to `sizes`, which are sorted, largest first; together they fill the box."""
    boxes: list[Box] = []
    scale = box.width * box.height / (sum(sizes) or 1)
    areas = [size * scale for size in sizes]
    while areas and box.width > 0 and box.height > 0:
        taken = _best_row(areas, min(box.width, box.height))
        row, box = _lay_row(areas[:taken], box)
        boxes.extend(row)
        del areas[:taken]
    return [*boxes, *(Box(box.x, box.y, 0, 0) for _ in areas)]


def _best_row(areas: list[float], side: float) -> int:
    taken = 1
    total, smallest = areas[0], areas[0]
    while taken < len(areas):
        longer = total + areas[taken]
        if _worst(areas[0], areas[taken], longer, side) > _worst(areas[0], smallest, total, side):
            break
        total, smallest, taken = longer, areas[taken], taken + 1
    return taken


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    """The worst ratio of sides in a row of boxes: a function of its largest and its smallest only."""
    thickness = total / side
    return max(largest / thickness**2, thickness**2 / max(smallest, 1e-9))


def _lay_row(areas: list[float], box: Box) -> tuple[list[Box], Box]:
    upright = box.width >= box.height
    side = box.height if upright else box.width
    thickness = sum(areas) / side
    row, at = [], 0.0
    for area in areas:
        length = area / thickness
        row.append(Box(box.x, box.y + at, thickness, length) if upright else Box(box.x + at, box.y, length, thickness))
        at += length
    if upright:
        return row, Box(box.x + thickness, box.y, box.width - thickness, box.height)
    return row, Box(box.x, box.y + thickness, box.width, box.height - thickness)
