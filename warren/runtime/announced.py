"""A role that says when it comes and goes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from topology import names
from warren.broker.port import Broker, Outgoing, Properties
from warren.clock import Clock
from warren.errors import WarrenError
from warren.log import get_logger
from warren.messages.codec import encode
from warren.messages.event import Event
from warren.runtime.identity import Identity
from warren.runtime.service import Service

SAYING_S: Final = 2.0
"""Nobody waits longer for an event of his own: whoever is interested can ask the broker who is there."""

log = get_logger("warren.process")


class Announced:
    """Runs a service, with an event when it starts, drains and stops."""

    def __init__(self, service: Service, agent: Identity, broker: Broker, clock: Clock) -> None:
        self._service = service
        self._agent = agent
        self._broker = broker
        self._clock = clock

    async def run(self) -> None:
        await self._say("started")
        try:
            await self._service.run()
        finally:
            await self._say("stopped")

    async def drain(self, grace_s: float) -> None:
        """Both at once: a broker that does not answer takes nothing of the time that a drain may take."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._say("draining"))
            await self._service.drain(grace_s)

    async def _say(self, status: str) -> None:
        try:
            async with asyncio.timeout(SAYING_S):
                await self._broker.publish([event(self._agent, status, self._clock.now())])
        except (WarrenError, TimeoutError) as error:
            log.info("an event of its own could not be sent", status=status, reason=str(error))


def event(agent: Identity, status: str, at: float) -> Outgoing:
    """That an agent has started, drains or has stopped, as a CloudEvent."""
    data: dict[str, Any] = {"agent": agent.id, "role": agent.role, "status": status}
    happened = Event(
        specversion="1.0",
        id=f"{agent.id}:{status}:{int(at * 1000)}",
        source=f"/warren/agents/{agent.id}",
        type=f"warren.agent.{status}",
        subject=agent.id,
        time=datetime.fromtimestamp(at, UTC),
        datacontenttype="application/json",
        data=data if agent.team is None else {**data, "team": agent.team},
    )
    key = f"agent.{status}.{agent.role}"
    properties = Properties(type=Event.TYPE, app_id=agent.id)
    return Outgoing(names.EVENTS, key, encode(happened), properties, mandatory=False)
