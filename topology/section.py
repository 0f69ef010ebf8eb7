"""What every part of the cluster file has in common."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

UNKNOWN_KEY = "unknown_key"


class Section(BaseModel):
    """A mapping with a fixed set of keys. One that is left empty has all its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if data is None:
            return {}
        if isinstance(data, dict):
            for key in data:
                cls._refuse_unless_known(str(key))
        return data

    @classmethod
    def _refuse_unless_known(cls, key: str) -> None:
        if key not in cls.model_fields:
            raise PydanticCustomError(UNKNOWN_KEY, "{advice}", {"key": key, "advice": _advice(key, cls)})


def _advice(key: str, section: type[Section]) -> str:
    known = list(section.model_fields)
    close = get_close_matches(key, known, n=1)
    guess = f"did you mean {close[0]!r}? Known" if close else "known"
    return f"unknown key; {guess} here: {', '.join(known)}"
