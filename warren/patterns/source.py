"""Where a playbook was written, for whoever has to correct it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or whatever else people call it by, and on which line each key stands, as far as that is known."""

    name: str
    lines: Mapping[Place, int] = field(default_factory=dict)

    def at(self, pointer: str) -> str:
        """`file:line` of a JSON pointer: of the key, or of the nearest one above it that is there."""
        place: Place = ()
        line = self.lines.get(place)
        for step in pointer.split("/")[1:]:
            found = self._below(place, step.replace("~1", "/").replace("~0", "~"))
            if found is None:
                break
            place, line = found, self.lines[found]
        return self.name if line is None else f"{self.name}:{line}"

    def _below(self, place: Place, step: str) -> Place | None:
        candidates: list[Place] = [(*place, step)]
        if step.isdecimal():
            candidates.append((*place, int(step)))
        return next((candidate for candidate in candidates if candidate in self.lines), None)
