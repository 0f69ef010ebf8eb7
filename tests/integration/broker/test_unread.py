"""What lies unread, because there is no room for it, keeps nothing else from being read."""

import asyncio

import pytest

from topology.declaration import Queue, Topology
from warren.broker.port import Outgoing, Verdict
from warren.broker.rabbit.inflow import UNREAD_BYTES

pytestmark = pytest.mark.broker
LARGE = 8 * 1024 * 1024
MORE_THAN_FIT = UNREAD_BYTES // LARGE + 3


async def test_large_messages_that_lie_unread_apart_do_not_hold_up_the_others(broker, wait_until):
    queues = tuple(Queue(name, {"x-queue-type": "classic"}) for name in ("projects", "results"))
    await broker.declare(Topology(queues=queues))
    for _ in range(MORE_THAN_FIT):
        await broker.publish([Outgoing("", "projects", b"x" * LARGE)])
    async with (
        asyncio.timeout(60),
        broker.subscribe("projects", prefetch=256, apart=True) as unread,
        broker.subscribe("results", prefetch=10) as results,
    ):
        await wait_until(lambda: broker._consuming_apart._line.inflow._is_shut, timeout_s=30, reason="no more is read")
        await broker.publish([Outgoing("", "results", b"heard")])
        async with asyncio.timeout(10):
            (heard,) = await results.receive()
        assert (heard.body, broker.reconnects) == (b"heard", 0), "the broker hangs up on who reads nothing for 30 s"
        await results.settle([(heard, Verdict.ACK)])
        taken = 0
        while taken < MORE_THAN_FIT:
            batch = await unread.receive()
            await unread.settle([(each, Verdict.ACK) for each in batch])
            taken += len(batch)
