"""What coordinators and operators tell all workers at once."""

from __future__ import annotations

from collections.abc import Callable

from topology.names import CONTROL
from warren.broker.port import Broker, Verdict
from warren.errors import InvalidInput
from warren.messages.codec import decode
from warren.messages.command import Control
from warren.skills.context import Logger


def control_keys(team: str) -> list[str]:
    """What a worker of this team listens to."""
    return ["all", "role.worker", f"team.{team}"]


async def listen(broker: Broker, team: str, heard: Callable[[Control], None], logger: Logger) -> None:
    """Hand over what is said; what makes no sense is logged and forgotten."""
    async with broker.inbox([(CONTROL, key) for key in control_keys(team)]) as inbox:
        while deliveries := await inbox.receive():
            for delivery in deliveries:
                try:
                    heard(decode(Control, delivery.body))
                except InvalidInput as error:
                    logger.warning("a control message makes no sense", reason=error.message)
            await inbox.settle([(delivery, Verdict.ACK) for delivery in deliveries])
