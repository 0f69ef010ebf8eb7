"""How much one client may send."""

from __future__ import annotations

from pydantic import Field

from topology.section import Section


class ClientLimits(Section):
    """What a client sends beyond this is refused, and it is told so. What is left out has no limit of its own."""

    messages_per_s: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="projects, commands and queries a second, on average and for each director",
    )
    burst: int = Field(default=1_000, ge=1, le=10_000_000, description="how many at once after a silence")
    message_bytes: int | None = Field(default=None, ge=256, description="the largest body of one message")
