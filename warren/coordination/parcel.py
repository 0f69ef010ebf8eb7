"""A message on its way, and what the ledger is to know once the broker has confirmed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from warren.broker.port import Delivery, Outgoing

APP_ID: Final = "warren"


@dataclass(slots=True)
class Parcel:
    """A message, and the ledger's ids that are dispatched or reported once the broker has confirmed it."""

    message: Outgoing
    owner: str = ""
    dispatched: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    replay: int = 0
    """The replay that they belong to."""
    buries: Delivery | None = None
    """The delivery of which this is the dead letter."""
    impossible: str = ""
    """Why the broker will never take it, once it has said so."""
