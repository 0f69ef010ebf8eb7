"""What coordinators and operators tell workers: all at once, those of a team, or a single one."""

from __future__ import annotations

from collections.abc import Callable

from topology import names
from warren.broker.port import Broker, Delivery, Verdict
from warren.errors import InvalidInput
from warren.messages.codec import decode
from warren.messages.command import Control
from warren.runtime.identity import Identity
from warren.skills.context import Logger


def control_keys(team: str, agent: str) -> list[str]:
    """What a worker of this team listens to."""
    return [names.EVERYBODY, *Identity(agent, "worker", team).addresses]


async def listen(broker: Broker, team: str, agent: str, heard: Callable[[Control], None], logger: Logger) -> None:
    """Hand over what is said; what makes no sense is logged and forgotten."""
    async with broker.inbox([(names.CONTROL, key) for key in control_keys(team, agent)]) as inbox:
        while deliveries := await inbox.receive():
            for delivery in deliveries:
                try:
                    heard(_control(delivery))
                except InvalidInput as error:
                    logger.warning("a control message makes no sense", reason=error.message)
            await inbox.settle([(delivery, Verdict.ACK) for delivery in deliveries])


def _control(delivery: Delivery) -> Control:
    """Raises InvalidInput. Leads may speak to everybody, but not send everybody away: that is for operators."""
    control = decode(Control, delivery.body)
    if control.verb == "drain" and delivery.routing_key == names.EVERYBODY:
        raise InvalidInput("message_invalid", "drain goes to an agent, a role or a team, not to everybody")
    return control
