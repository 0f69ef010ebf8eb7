"""The broker's adapter for RabbitMQ, and a private node for machines that have none running.

Names are loaded when they are asked for: who only starts a node needs no client library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from warren.broker.rabbit.broker import RabbitBroker as RabbitBroker
    from warren.broker.rabbit.management import fetch_definitions as fetch_definitions
    from warren.broker.rabbit.node import PrivateNode as PrivateNode

HOMES: Final = {"RabbitBroker": "broker", "PrivateNode": "node", "fetch_definitions": "management"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
