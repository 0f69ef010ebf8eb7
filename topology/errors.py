"""What can be wrong with a cluster file, or with the broker it is meant for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct in a cluster file: `key` is the dotted path to it, `line` counts from 1."""

    text: str
    key: str = ""
    line: int | None = None

    def at(self, source: str) -> str:
        """The problem as one line for people, led by its place as editors and terminals understand it."""
        place = source if self.line is None else f"{source}:{self.line}"
        line = f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"
        return line.encode(errors="backslashreplace").decode()


class ClusterFileError(ValueError):
    """A cluster file cannot be used. Its text has one line per problem, all that could be found at once."""

    def __init__(self, source: str, *problems: Problem) -> None:
        super().__init__("\n".join(problem.at(source) for problem in problems))
        self.source = source
        self.problems = problems


class ProfileRefused(ValueError):
    """The broker is of a version that cannot do what the profile promises; the text says what is missing."""
