"""What a team lead wants to know."""

from __future__ import annotations

from pydantic import Field

from warren.messages.message import Token
from warren.runtime.settings import CoordinatorSettings


class TeamLeadSettings(CoordinatorSettings):
    """A team lead's settings."""

    team: Token = Field(description="the team that it leads")
