"""Every file of the tree in one picture: its length against its most complex function, both on log scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10, sqrt

from complexity import MCCABE_LIMIT
from hotspots import FileMeasure

from report.figures import count, short
from report.markup import Markup, tag

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 18, 14, 44
_LABELS = 12
_LETTER, _LINE = 7.2, 12.0
"""Width and height of a label's letter, in units of the drawing."""

_LINE_TICKS = (1, 10, 100, 1_000, 10_000, 100_000)
_COMPLEXITY_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


@dataclass(frozen=True)
class _Cell:
    lines: float
    complexity: float
    files: int


@dataclass(frozen=True)
class _Scale:
    """From lines and complexity to places in the drawing."""

    width: int
    height: int
    most_lines: float
    most_complexity: float

    def x(self, lines: float) -> float:
        return _LEFT + (self.width - _LEFT - _RIGHT) * log10(max(lines, 1)) / log10(self.most_lines)

    def y(self, complexity: float) -> float:
        tall = self.height - _TOP - _BOTTOM
        return _TOP + tall * (1 - log10(max(complexity, 1)) / log10(self.most_complexity))

    @property
    def step(self) -> float:
        """The distance between two columns of the grid, half a power of two apart."""
        return self.x(sqrt(2)) - self.x(1)


def bubbles(sizes: Mapping[str, int], hot: Sequence[FileMeasure], width: int, height: int, class_: str) -> Markup:
    """The drawing: a bubble for the files of about the same place, and the hottest files by name."""
    cells = [_cell(place, files) for place, files in sizes.items()]
    scale = _Scale(
        width,
        height,
        most_lines=1.6 * max((cell.lines for cell in cells), default=10),
        most_complexity=1.6 * max((cell.complexity for cell in cells), default=10),
    )
    summary = (
        "Files by their lines and by the complexity of their most complex function. A larger bubble is more files."
    )
    return tag(
        "svg",
        tag("title", "Size against complexity"),
        tag("desc", summary),
        *_axes(scale),
        *_bubbles(cells, scale),
        *_labels(hot, scale),
        viewBox=f"0 0 {width} {height}",
        class_=class_,
        role="img",
        aria_label=f"Size against complexity. {summary}",
    )


def _cell(place: str, files: int) -> _Cell:
    x, _, y = place.partition(":")
    return _Cell(2 ** (int(x) / 2), 2 ** (int(y) / 2), files)


def _axes(scale: _Scale) -> Iterator[Markup]:
    foot = scale.height - _BOTTOM
    for lines in (tick for tick in _LINE_TICKS if tick <= scale.most_lines):
        x = scale.x(lines)
        yield tag("line", x1=x, x2=x, y1=_TOP, y2=foot, class_="grid")
        yield tag("text", short(lines), x=x, y=foot + 17, class_="tick")
    for complexity in (tick for tick in _COMPLEXITY_TICKS if tick <= scale.most_complexity):
        y = scale.y(complexity)
        kind = "limit" if complexity == MCCABE_LIMIT else "grid"
        yield tag("line", x1=_LEFT, x2=scale.width - _RIGHT, y1=y, y2=y, class_=kind)
        yield tag("text", short(complexity), x=_LEFT - 8, y=y + 4, class_="tick end")
    middle = (_LEFT + scale.width - _RIGHT) / 2
    yield tag("text", "lines of the file", x=middle, y=scale.height - 6, class_="tick")
    turned = f"rotate(-90 11 {foot / 2 + 6:g})"
    yield tag("text", "most complex function", x=11, y=foot / 2 + 6, class_="tick", transform=turned)


def _bubbles(cells: Sequence[_Cell], scale: _Scale) -> Iterator[Markup]:
    most = max((cell.files for cell in cells), default=1)
    largest = scale.step * 0.62
    for cell in cells:
        radius = max(largest * sqrt(cell.files / most), 1.6)
        title = f"{count(cell.files, 'file')} of about {cell.lines:.0f} lines and complexity {cell.complexity:.0f}"
        kind = "bubble over" if cell.complexity > MCCABE_LIMIT else "bubble"
        place = {"cx": scale.x(cell.lines), "cy": scale.y(cell.complexity)}
        yield tag("circle", tag("title", title), r=radius, class_=kind, **place)


def _labels(hot: Sequence[FileMeasure], scale: _Scale) -> Iterator[Markup]:
    files = sorted(hot, key=lambda file: -file.hardest)[:_LABELS]
    places = [(scale.x(file.lines), scale.y(file.hardest)) for file in files]
    taken = [_Frame(x - 5, x + 5, y) for x, y in places]
    for file, (x, y) in zip(files, places, strict=True):
        title = f"{file.file}: {count(file.lines, 'line')}, most complex function {file.hardest}"
        yield tag("circle", tag("title", title), cx=x, cy=y, r=4, class_="hot")
        frame = _Frame(x - 9 - _LETTER * len(_name(file.file)), x - 9, y)
        if frame.left > _LEFT and not any(frame.meets(other) for other in taken):
            taken.append(frame)
            yield tag("text", _name(file.file), x=frame.right, y=y + 4, class_="label end")


@dataclass(frozen=True)
class _Frame:
    """Where something is drawn already."""

    left: float
    right: float
    middle: float

    def meets(self, other: _Frame) -> bool:
        return self.left < other.right and other.left < self.right and abs(self.middle - other.middle) < _LINE


def _name(file: str) -> str:
    name = file.rpartition("/")[2]
    if name == "__init__.py":
        name = "/".join(file.split("/")[-2:])
    return name if len(name) <= 24 else f"{name[:23]}…"  # noqa: PLR2004
