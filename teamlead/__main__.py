"""`python -m teamlead --team T`: one replica of a team's lead."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from teamlead.settings import TeamLeadSettings
from teamlead.teamlead import TeamLead
from topology import names
from warren.clock import SystemClock
from warren.runtime.announced import Announced
from warren.runtime.cluster_file import read_cluster, team_of
from warren.runtime.foundation import foundation
from warren.runtime.identity import Identity
from warren.runtime.process import main
from warren.runtime.readiness import Readiness
from warren.runtime.service import Service, ServiceFactory
from warren.telemetry.telemetry import Telemetry


def teamlead(settings: TeamLeadSettings) -> ServiceFactory:
    """Opens what a team lead stands on."""
    cluster = read_cluster(settings.cluster)
    team = team_of(cluster, settings.team)

    @asynccontextmanager
    async def factory(readiness: Readiness, telemetry: Telemetry) -> AsyncIterator[Service]:
        queues = (names.lead_queue(team), names.lead_results_queue(team))
        async with foundation(settings, readiness, telemetry, queues) as (broker, ledger):
            service = TeamLead(broker, ledger, SystemClock(), cluster, team, telemetry)
            readiness.watch("teamlead", lambda: service.waiting_for)
            yield Announced(service, Identity(settings.agent, "teamlead", team), broker, SystemClock())

    return factory


if __name__ == "__main__":
    sys.exit(main("teamlead", TeamLeadSettings, teamlead))
