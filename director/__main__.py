"""`python -m director`: one replica of the director."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from director.director import Director
from director.settings import DirectorSettings
from topology import names
from warren.clock import SystemClock
from warren.runtime.announced import Announced
from warren.runtime.cluster_file import read_cluster, read_playbooks
from warren.runtime.foundation import foundation
from warren.runtime.identity import Identity
from warren.runtime.process import main
from warren.runtime.readiness import Readiness
from warren.runtime.service import Service, ServiceFactory
from warren.telemetry.telemetry import Telemetry


def director(settings: DirectorSettings) -> ServiceFactory:
    """Opens what a director stands on."""
    cluster = read_cluster(settings.cluster)
    playbooks = read_playbooks(cluster, settings.cluster)

    @asynccontextmanager
    async def factory(readiness: Readiness, telemetry: Telemetry) -> AsyncIterator[Service]:
        queues = (names.PROJECTS_QUEUE, names.DIRECTOR_QUEUE)
        async with foundation(settings, readiness, telemetry, queues) as (broker, ledger):
            service = Director(broker, ledger, SystemClock(), cluster, playbooks, os.urandom, telemetry)
            readiness.watch("director", lambda: service.waiting_for)
            yield Announced(service, Identity(settings.agent, "director"), broker, SystemClock())

    return factory


if __name__ == "__main__":
    sys.exit(main("director", DirectorSettings, director))
