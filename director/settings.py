"""What a director wants to know."""

from __future__ import annotations

from warren.runtime.settings import CoordinatorSettings


class DirectorSettings(CoordinatorSettings):
    """The director's settings."""
