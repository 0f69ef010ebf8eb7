import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from topology import build, names, parse_cluster
from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.broker.port import Outgoing, Verdict
from warren.clock import VirtualClock
from warren.coordination.pausing import LET_GO_S, LOOK_S, pausing

CLUSTER = parse_cluster("{version: 1, teams: {hosts: {skills: {greet: {}}}}}", "cluster.yaml")
QUEUE = names.PROJECTS_QUEUE


class Hall:
    """Room that a test makes."""

    def __init__(self, seats):
        self.seats = seats

    async def room(self):
        return self.seats


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
async def broker(clock):
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker:
        await broker.declare(build(CLUSTER))
        yield broker


@asynccontextmanager
async def seated(broker, clock, seats, prefetch=4):
    hall = Hall(seats)
    async with pausing(lambda: broker.subscribe(QUEUE, prefetch=prefetch), hall.room, clock) as subscription:
        yield hall, subscription


async def sent(broker, count):
    await broker.publish([Outgoing(names.INGRESS, "project.x", str(number).encode()) for number in range(count)])


async def passing(clock, seconds, task):
    """Let virtual time go by while `task` waits."""
    for _ in range(int(seconds / LOOK_S) + 1):
        for _ in range(5):
            await asyncio.sleep(0)
        clock.advance(LOOK_S)
    for _ in range(20):
        await asyncio.sleep(0)
    return task.done()


def bodies(batch):
    return [delivery.body for delivery in batch]


async def test_no_more_is_handed_out_than_there_is_room_for(broker, clock):
    await sent(broker, 4)
    async with seated(broker, clock, 3) as (_, subscription):
        assert bodies(await subscription.receive()) == [b"0", b"1", b"2"]
        assert bodies(await subscription.receive(1)) == [b"3"]


async def test_without_room_it_waits_until_there_is_some(broker, clock):
    await sent(broker, 1)
    async with seated(broker, clock, 0) as (hall, subscription):
        receiving = asyncio.create_task(subscription.receive())
        assert not await passing(clock, 2, receiving)
        hall.seats = 5
        assert await passing(clock, 1, receiving)
        assert bodies(await receiving) == [b"0"]


async def test_a_long_pause_gives_back_what_was_prefetched_and_takes_it_again(broker, clock):
    await sent(broker, 3)
    async with seated(broker, clock, 0) as (hall, subscription):
        receiving = asyncio.create_task(subscription.receive())
        await passing(clock, LET_GO_S + 1, receiving)
        depth = await broker.depth(QUEUE)
        assert (depth.messages, depth.consumers) == (3, 0)
        hall.seats = 5
        assert await passing(clock, 1, receiving)
        batch = await receiving
        await subscription.settle([(delivery, Verdict.ACK) for delivery in batch])
        rest = 3 - len(batch)
        while rest:
            more = await subscription.receive()
            await subscription.settle([(delivery, Verdict.ACK) for delivery in more])
            rest -= len(more)
    assert (await broker.depth(QUEUE)).messages == 0


async def test_what_is_in_hand_is_settled_on_the_subscription_it_came_from(broker, clock):
    await sent(broker, 2)
    async with seated(broker, clock, 1) as (hall, subscription):
        first = await subscription.receive()
        hall.seats = 0
        receiving = asyncio.create_task(subscription.receive())
        await passing(clock, LET_GO_S + 5, receiving)
        assert (await broker.depth(QUEUE)).consumers == 1
        await subscription.settle([(delivery, Verdict.ACK) for delivery in first])
        await passing(clock, 2, receiving)
        assert (await broker.depth(QUEUE)).consumers == 0
        hall.seats = 1
        assert await passing(clock, 1, receiving)
        assert bodies(await receiving) == [b"1"]


async def test_cancelled_in_a_pause_it_brings_nothing(broker, clock):
    await sent(broker, 1)
    async with seated(broker, clock, 0) as (_, subscription):
        receiving = asyncio.create_task(subscription.receive())
        await passing(clock, 1, receiving)
        await subscription.cancel()
        assert await passing(clock, 1, receiving)
        assert await receiving == []
    assert (await broker.depth(QUEUE)).messages == 1


async def test_a_trouble_with_the_broker_comes_through(broker, clock):
    with suppress(LookupError):
        async with pausing(lambda: broker.subscribe("warren.none", prefetch=1), Hall(1).room, clock):
            pytest.fail("a queue that is not there was subscribed to")
