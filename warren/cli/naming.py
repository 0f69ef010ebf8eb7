"""Which project a person means: by its id, in any case, or by as much of it as tells it from others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warren.client import Client, Handle
from warren.errors import InvalidInput, UnknownProject
from warren.ids import is_project_id

SHORTEST: Final = 4
LOOKED_AT: Final = 200
"""Of the newest projects; who means an older one has its whole id."""
NAMED: Final = 5


async def named(client: Client, text: str) -> Handle:
    """Raises InvalidInput for what no id begins with, or several do; UnknownProject where none does."""
    text = text.strip().lower()
    known = await client.projects(LOOKED_AT) if is_beginning(text) else ()
    return client.project(meant(text, (str(each["id"]) for each in known)))


def is_beginning(text: str) -> bool:
    """Whether it could be the beginning of an id, so that the newest projects have to be looked at."""
    if is_project_id(text):
        return False
    return len(text) >= SHORTEST and all(letter in "0123456789abcdef-" for letter in text)


def meant(text: str, newest: Iterable[str]) -> str:
    """The id that begins with `text`, of the `newest`; a text that is no beginning stands for itself."""
    if not is_beginning(text):
        return text
    found = [each for each in newest if each.startswith(text)]
    if not found:
        raise UnknownProject(f"none of the newest {LOOKED_AT} projects has an id that begins with {text}")
    if len(found) > 1:
        some = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
        raise InvalidInput("project_id", f"{len(found)} projects have ids that begin with {text}: {some}; write more")
    return found[0]
