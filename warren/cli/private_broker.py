"""The RabbitMQ node that `warren up` runs where no broker is named."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from warren.broker.rabbit.node import PrivateNode
from warren.errors import BrokerUnavailable
from warren.runtime.supervision.backoff import Backoff
from warren.runtime.supervision.condition import Condition

NAME: Final = "broker"
LOOK_S: Final = 0.5

Tell = Callable[[Condition], None]


@asynccontextmanager
async def private_broker(folder: Path, tell: Tell) -> AsyncIterator[PrivateNode]:
    """A node that is started again, with its data and on its port, whenever it dies within this context."""
    tell(Condition(NAME))
    async with PrivateNode(folder) as node, asyncio.TaskGroup() as group:
        tell(_ready(node, 0))
        keeping = group.create_task(_keep(node, tell))
        try:
            yield node
        finally:
            keeping.cancel()
    tell(Condition(NAME, "stopped"))


async def _keep(node: PrivateNode, tell: Tell) -> None:
    restarts, backoff = 0, Backoff()
    while True:
        born = asyncio.get_running_loop().time()
        while not has_ended(node.pid):  # noqa: ASYNC110 - no event tells it on every Unix
            await asyncio.sleep(LOOK_S)
        restarts += 1
        backoff = backoff.after_death(asyncio.get_running_loop().time() - born)
        tell(Condition(NAME, "died", reason="the RabbitMQ node ended", restarts=restarts))
        await _bring_back(node, tell, restarts, backoff)


async def _bring_back(node: PrivateNode, tell: Tell, restarts: int, backoff: Backoff) -> None:
    while True:
        await node.kill()  # its helpers, too
        await asyncio.sleep(backoff.pause_s)
        try:
            await node.start()
        except BrokerUnavailable as error:
            tell(Condition(NAME, "died", reason=str(error), restarts=restarts))
            backoff = backoff.after_death(0)
        else:
            tell(_ready(node, restarts))
            return


def has_ended(pid: int) -> bool:
    """Whether a child of ours ended; its exit code is left for who waits for it."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _ready(node: PrivateNode, restarts: int) -> Condition:
    return Condition(NAME, "ready", pid=node.pid, health_url=node.management_url, restarts=restarts)
