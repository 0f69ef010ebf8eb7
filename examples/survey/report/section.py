"""A section of the page: a heading, what the reader looks at, and the thing itself."""

from __future__ import annotations

from report.markup import Child, Markup, tag


def section(name: str, title: str, lead: Child, *children: Child, class_: str | None = None) -> Markup:
    """One card of the page; `name` is its anchor."""
    heading = tag("h2", title, id=name)
    return tag("section", heading, tag("p", lead, class_="lead"), *children, aria_labelledby=name, class_=class_)
