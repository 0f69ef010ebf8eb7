"""`warren drain`: a worker is to finish what it has and leave."""

from __future__ import annotations

from typing import Annotated

import typer

from topology import names
from topology.names import is_token
from warren.broker.port import Outgoing, Properties
from warren.broker.rabbit.broker import RabbitBroker
from warren.cli.loop import complete
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of
from warren.errors import InvalidInput, PublishFailed
from warren.messages.codec import encode
from warren.messages.command import Control


def drain(
    *,
    agent: Annotated[str | None, typer.Argument(metavar="AGENT", help="The worker's name, as it logs it.")] = None,
    team: Annotated[str | None, typer.Option(help="All workers of a team, instead of one.")] = None,
    reason: Annotated[str, typer.Option(help="Why; the workers log it.")] = "",
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Have a worker take nothing new, finish what it has, and leave; whoever runs it starts a fresh one.

    Director and leads need none of this: they hold nothing, and may be stopped at any time.
    """
    key = _key(agent, team)
    complete(_tell(broker_of(amqp_url, data_dir), key, Control(verb="drain", reason=reason)))
    if as_json:
        print_json({"told": key})
    else:
        console().print(f"{key} was told to leave", markup=False)


def _key(agent: str | None, team: str | None) -> str:
    """Raises InvalidInput unless there is one of the two."""
    if (agent is None) == (team is None):
        raise InvalidInput("drain_whom", "name one worker, or --team for all workers of a team")
    name = agent if agent is not None else team
    if name is None or not is_token(name):
        raise InvalidInput("drain_whom", f"{name!r} is no name: they are of a-z, 0-9, _ and -, up to 40 characters")
    return names.team_control_key(name) if agent is None else names.agent_control_key(name)


async def _tell(url: str, key: str, control: Control) -> None:
    async with RabbitBroker(url, name="warren drain") as broker:
        message = Outgoing(names.CONTROL, key, encode(control), Properties(type=Control.TYPE))
        try:
            await broker.publish([message])
        except PublishFailed as error:
            if error.unroutable:
                raise InvalidInput(
                    "no_such_agent", f"no worker listens to {key}; its log says a worker's name"
                ) from None
            raise
