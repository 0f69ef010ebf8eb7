"""Tables that can be scrolled on a narrow screen and read by a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from report.markup import Child, Markup, tag


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Child]], numeric: Iterable[int] = ()) -> Markup:
    """A table; the first cell of a row is its heading, the columns in `numeric` are set flush right."""
    right = set(numeric)
    head = tag("tr", *(tag("th", text, scope="col", class_=_class(at, right)) for at, text in enumerate(heads)))
    body = (tag("tr", *(_cell(at, cell, right) for at, cell in enumerate(row))) for row in rows)
    inner = tag("table", tag("caption", caption, class_="hidden"), tag("thead", head), tag("tbody", *body))
    return tag("div", inner, class_="scroll", role="region", aria_label=caption, tabindex=0)


def folded(summary: str, *children: Child) -> Markup:
    """Something that is there for those who ask for it."""
    return tag("details", tag("summary", summary), *children)


def bar(share: float, *children: Child) -> Markup:
    """A value with a bar behind it; `share` is between 0 and 1."""
    width = f"width:{100 * min(max(share, 0), 1):.1f}%"
    return tag("span", tag("span", *children), tag("i", style=width), class_="meter")


def _cell(at: int, cell: Child, right: set[int]) -> Markup:
    if at == 0:
        return tag("th", cell, scope="row", class_=_class(at, right))
    return tag("td", cell, class_=_class(at, right))


def _class(at: int, right: set[int]) -> str | None:
    return "number" if at in right else None
