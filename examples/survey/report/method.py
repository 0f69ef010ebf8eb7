"""What the figures of a survey mean, for both reports."""

from __future__ import annotations

_COMPLEXITY = (
    "Decisions of a function plus one: if, elif, conditional expressions, for, while, comprehensions and their ifs, "
    "except, each and/or, each case but a bare _. After T. J. McCabe, “A Complexity Measure”, IEEE Transactions on "
    "Software Engineering SE-2(4), 1976, which also proposes 10 as the limit. Nested functions are measured alone."
)

_CYCLE = (
    "Modules that all reach each other by imports that run at import time: Tarjan's strongly connected components. "
    'Imports inside functions, under TYPE_CHECKING and under __name__ == "__main__" do not count.'
)

METHOD = (
    ("Lines of code", "Lines that are neither blank, nor only a comment, nor part of a docstring."),
    ("Cyclomatic complexity", _COMPLEXITY),
    ("Excess", "The points of complexity above 10, summed over the functions of a file."),
    ("Import cycle", _CYCLE),
    ("TODO and FIXME", "Lines on which one of the two words follows a #, outside of strings over several lines."),
    ("Package", "A folder with Python files. Where there would be more than 300, deeper ones count for their parents."),
)
