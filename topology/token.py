"""Names in the cluster file that become words of routing keys."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from topology import names

_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{names.TOKEN.pattern}$"})


def _suggestion(word: str) -> str:
    suggested = re.sub(r"[^a-z0-9_-]+", "_", word.lower()).strip("_")[:40]
    return f"; {suggested!r} would do" if names.is_token(suggested) else ""


def _token(word: str) -> str:
    if not names.is_token(word):
        text = "not a usable name: 1 to 40 characters out of a-z, 0-9, _ and -{suggestion}"
        raise PydanticCustomError("token", text, {"suggestion": _suggestion(word)})
    return word


def _team_token(word: str) -> str:
    if word == names.DIRECTOR:
        raise PydanticCustomError("reserved", "this name is taken by the director itself; give the team another")
    return _token(word)


Token = Annotated[str, AfterValidator(_token), _SCHEMA]
TeamToken = Annotated[str, AfterValidator(_team_token), _SCHEMA]
