"""A bar chart of how complex the functions are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from complexity import BUCKETS, MCCABE_LIMIT

from report.figures import bucket_names, count, percent, short
from report.markup import Markup, tag

_TOP, _BOTTOM = 26, 30


def histogram_chart(histogram: Sequence[int], width: int, height: int, class_: str) -> Markup:
    """The drawing: one bar per bucket, those above McCabe's limit in another colour."""
    summary = f"How many functions have which cyclomatic complexity; those above {MCCABE_LIMIT} stand out."
    return tag(
        "svg",
        tag("title", "Functions by complexity"),
        tag("desc", summary),
        tag("line", x1=0, x2=width, y1=height - _BOTTOM + 0.5, y2=height - _BOTTOM + 0.5, class_="axis"),
        *_bars(histogram, width, height),
        viewBox=f"0 0 {width} {height}",
        class_=class_,
        role="img",
        aria_label=f"Functions by complexity. {summary}",
    )


def _bars(histogram: Sequence[int], width: int, height: int) -> Iterator[Markup]:
    most, total = max(histogram, default=0) or 1, sum(histogram)
    step = width / max(len(histogram), 1)
    limit = BUCKETS.index(MCCABE_LIMIT)
    for at, (name, number) in enumerate(zip(bucket_names(), histogram, strict=False)):
        tall = (height - _TOP - _BOTTOM) * number / most
        tall = max(tall, 2.0) if number else 0.0
        middle, foot = (at + 0.5) * step, height - _BOTTOM
        title = f"complexity {name}: {count(number, 'function')}, {percent(number, total)}"
        bar = tag("rect", x=middle - 0.36 * step, y=foot - tall, width=0.72 * step, height=tall, rx=min(3, tall / 2))
        value = tag("text", short(number), x=middle, y=foot - tall - 7, class_="value")
        axis = tag("text", name.replace("over ", ">"), x=middle, y=height - 9, class_="tick")
        yield tag("g", tag("title", title), bar, value, axis, class_="bar over" if at > limit else "bar")
