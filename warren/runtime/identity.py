"""Who a process is, and how it can be addressed."""

from __future__ import annotations

from dataclasses import dataclass

from topology import names


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a process is."""

    id: str
    role: str
    team: str | None = None

    @property
    def addresses(self) -> list[str]:
        """The keys on which it is told to leave: its own, and those that it shares with others of its kind."""
        team = [] if self.team is None else [names.team_control_key(self.team)]
        return [names.agent_control_key(self.id), names.role_control_key(self.role), *team]
