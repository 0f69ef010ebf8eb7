"""How a program submits projects, follows them and gets their results."""

from __future__ import annotations

from warren.client.client import Client
from warren.client.handle import Handle
from warren.client.priority import PriorityName

__all__ = ["Client", "Handle", "PriorityName"]
