"""Dead letters grouped by what they died of."""

from __future__ import annotations

from dataclasses import dataclass

from warren.client.letter import Letter
from warren.messages.message import JsonObject


@dataclass(slots=True)
class Group:
    """Letters of one queue with one cause; `oldest_s` and `newest_s` (Unix seconds) are when they were given up."""

    owner: str
    kind: str
    skill: str
    code: str
    type: str
    message: str
    task: str
    letters: int = 0
    oldest_s: float | None = None
    newest_s: float | None = None

    def facts(self) -> JsonObject:
        return {
            "team": self.owner,
            "kind": self.kind,
            "skill": self.skill,
            "code": self.code,
            "type": self.type,
            "letters": self.letters,
            "oldest_s": self.oldest_s,
            "newest_s": self.newest_s,
            "message": self.message,
            "task": self.task,
        }


class Causes:
    """Collects letters, keeping of each only what a line needs."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, ...], Group] = {}

    def add(self, letter: Letter) -> None:
        key = (letter.owner, letter.kind, letter.skill, letter.code, letter.type)
        task = letter.tasks[0].id if letter.tasks else ""
        group = self._groups.setdefault(key, Group(*key, message=letter.message, task=task))
        group.letters += 1
        if letter.died_s is not None:
            group.oldest_s = min(letter.died_s, group.oldest_s or letter.died_s)
            group.newest_s = max(letter.died_s, group.newest_s or letter.died_s)

    def largest_first(self) -> list[Group]:
        return sorted(self._groups.values(), key=lambda group: -group.letters)
