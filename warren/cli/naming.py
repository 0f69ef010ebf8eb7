"""Which project a person means: by its id, in any case, or by as much of it as tells it from others."""

from __future__ import annotations

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
    if is_project_id(text) or not _is_beginning(text):
        return client.project(text)
    found = [str(each["id"]) for each in await client.projects(LOOKED_AT) if str(each["id"]).startswith(text)]
    if not found:
        raise UnknownProject(f"none of the newest {LOOKED_AT} projects has an id that begins with {text}")
    if len(found) > 1:
        some = ", ".join(found[:NAMED]) + (", …" if len(found) > NAMED else "")
        raise InvalidInput("project_id", f"{len(found)} projects have ids that begin with {text}: {some}; write more")
    return client.project(found[0])


def _is_beginning(text: str) -> bool:
    return len(text) >= SHORTEST and all(letter in "0123456789abcdef-" for letter in text)
