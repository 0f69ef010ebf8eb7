"""Warren runs hierarchies of agents on RabbitMQ. What users import is here; it is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from warren.client import Client
    from warren.skills.context import Context
    from warren.skills.signals import Reject, Retry
    from warren.skills.skill import skill

__all__ = ["Client", "Context", "Reject", "Retry", "skill"]

_HOMES: Final = {
    "Client": "warren.client",
    "Context": "warren.skills.context",
    "Reject": "warren.skills.signals",
    "Retry": "warren.skills.signals",
    "skill": "warren.skills.skill",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'warren' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
