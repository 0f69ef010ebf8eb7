"""What `warren up` says about its processes."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from warren.cli.printing import print_json
from warren.runtime.supervision.condition import Condition, State
from warren.telemetry.redaction import redacted

MARKS: dict[State, tuple[str, str]] = {
    "starting": ("…", "dim"),
    "ready": ("✓", "green"),
    "draining": ("…", "yellow"),
    "died": ("✗", "red"),
    "stopped": ("·", "dim"),
}
SAID: frozenset[State] = frozenset({"ready", "died", "stopped"})
"""For a person, starting and draining are noise."""
NAME_WIDTH = 22


class Board:
    """One line whenever a process changes, on standard output."""

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._console = console
        self._as_json = as_json

    def show(self, condition: Condition) -> None:
        if self._as_json:
            print_json({**asdict(condition), "reason": redacted(condition.reason)})
        elif condition.state in SAID:
            self._console.print(_line(condition))

    def warn(self, sentence: str) -> None:
        """Something that may go wrong; on standard error, so that scripts keep it apart."""
        Console(stderr=True, soft_wrap=True).print(Text(f"warning: {sentence}", style="yellow"))

    def say(self, sentence: str) -> None:
        """Something for a person only."""
        if not self._as_json:
            self._console.print(Text(sentence))


def _line(condition: Condition) -> Text:
    mark, style = MARKS[condition.state]
    line = Text.assemble((mark, style), f" {condition.name:{NAME_WIDTH}} {condition.state:8}")
    if condition.pid is not None:
        line.append(f" pid {condition.pid:<8}", style="dim")
    if condition.health_url and condition.state == "ready":
        line.append(f" {condition.health_url}", style="dim")
    if condition.reason:
        line.append(f" {redacted(condition.reason)}", style="red")
    return line
