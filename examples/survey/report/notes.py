"""What stands out, in a few sentences: the same for the page and for the Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from survey import Survey

from report.figures import count, percent


class Name(str):
    """A name from the surveyed tree: set as code, and never trusted."""

    __slots__ = ()


Sentence = list[str]
"""A sentence in pieces; those that are a `Name` come from the tree."""


def headlines(survey: Survey) -> Iterator[Sentence]:
    """Each sentence in pieces; names are elements of their own."""
    yield from _largest(survey)
    yield from _hardest(survey)
    yield from _longest(survey)
    yield from _cycle(survey)


def _largest(survey: Survey) -> Iterator[Sentence]:
    if survey.packages and survey.total.code_lines:
        first = survey.packages[0]
        share = percent(first.code_lines, survey.total.code_lines)
        yield ["Largest package: ", Name(first.title), f", {count(first.code_lines)} lines of code, {share}."]


def _hardest(survey: Survey) -> Iterator[Sentence]:
    for item in survey.hot_spots.functions[:1]:
        place = f"{item.file}:{item.line}"
        yield ["Most complex function: ", Name(item.name), " in ", Name(place), f", complexity {item.complexity}."]


def _longest(survey: Survey) -> Iterator[Sentence]:
    if item := survey.total.longest:
        place = f"{item.file}:{item.line}"
        yield ["Longest function: ", Name(item.name), " in ", Name(place), f", {count(item.lines)} lines."]


def _cycle(survey: Survey) -> Iterator[Sentence]:
    for cycle in survey.cycles.cycles[:1]:
        loop = " → ".join([*cycle.loop, cycle.loop[0]])
        modules = count(cycle.size, "module")
        yield [f"Largest import cycle: {modules}, for example ", Name(loop), "."]
