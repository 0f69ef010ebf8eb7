"""Which events a cluster sends, beside those of projects and agents, which it always sends."""

from __future__ import annotations

from pydantic import Field

from topology.section import Section


class Events(Section):
    """What is told on warren.events. Each event is one more message, so those of tasks cost throughput."""

    assignments: bool = Field(default=True, description="tell when a team begins an assignment and how it ended")
    tasks: bool = Field(default=False, description="tell how each task ended: one more message for each of them")
