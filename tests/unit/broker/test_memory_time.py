"""The memory broker on a virtual clock: time-outs happen to the millisecond, and always in the same way."""

import asyncio

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing, Properties
from warren.clock import SystemClock, VirtualClock


def ladder(levels=6):
    """Queues that hold for 1000 times 2^level ms, one below the other, and `end`."""
    names = [f"level{level}" for level in reversed(range(levels))]
    queues = [
        Queue(
            name,
            {
                "x-queue-type": "classic",
                "x-message-ttl": 1_000 * 2 ** (levels - 1 - place),
                "x-dead-letter-exchange": below,
            },
        )
        for place, (name, below) in enumerate(zip(names, [*names[1:], "end"], strict=True))
    ]
    bindings = [Binding(name, name, "*." * place + "1.#") for place, name in enumerate(names)]
    bindings += [
        Binding(name, below, "*." * place + "0.#", "exchange")
        for place, (name, below) in enumerate(zip(names, [*names[1:], "end"], strict=True))
    ]
    end = (Queue("end", {"x-queue-type": "classic"}), Binding("end", "end", "#"))
    return Topology(tuple(map(Exchange, [*names, "end"])), (*queues, end[0]), (*bindings, end[1]))


def delayed(seconds, levels=6):
    return Outgoing(f"level{levels - 1}", ".".join(format(seconds, f"0{levels}b")) + ".q", str(seconds).encode())


async def test_a_queue_holds_a_message_to_the_millisecond():
    clock = VirtualClock()
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker:
        await broker.declare(Topology(queues=(Queue("q", {"x-queue-type": "classic", "x-message-ttl": 1_000}),)))
        await broker.publish([Outgoing("", "q", b"")])
        clock.advance(0.999)
        assert (await broker.depth("q")).messages == 1
        clock.advance(0.001)
        assert (await broker.depth("q")).messages == 0


async def test_a_waiting_consumer_is_woken_when_a_delay_is_over():
    clock = VirtualClock()
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker, asyncio.timeout(10):
        await broker.declare(ladder())
        async with broker.subscribe("end", prefetch=1) as subscription, asyncio.TaskGroup() as group:
            waiting = group.create_task(subscription.receive())
            await asyncio.sleep(0)
            await broker.publish([delayed(5)])
            while not waiting.done():
                await asyncio.sleep(0)
                if (wake := clock.next_wake()) is not None:
                    clock.advance_to(wake)
        assert [d.body for d in waiting.result()] == [b"5"]
        assert clock.now() == VirtualClock().now() + 5


async def test_an_earlier_time_out_shortens_a_sleep_that_has_begun():
    clock = VirtualClock()
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker, asyncio.timeout(10):
        await broker.declare(ladder())
        async with broker.subscribe("end", prefetch=10) as subscription, asyncio.TaskGroup() as group:
            waiting = group.create_task(subscription.receive())
            await broker.publish([delayed(40)])
            await asyncio.sleep(0)
            await broker.publish([delayed(3)])
            await asyncio.sleep(0)
            clock.advance(3.5)
        assert [d.body for d in waiting.result()] == [b"3"]


async def test_one_long_jump_of_the_clock_does_what_many_small_steps_do():
    async def histories(step, count):
        clock = VirtualClock()
        async with MemoryServer(clock) as server, MemoryBroker(server) as broker:
            await broker.declare(ladder())
            await broker.publish([delayed(n) for n in (9, 1, 63, 22, 2, 3)])
            for _ in range(count):
                clock.advance(step)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            async with broker.subscribe("end", prefetch=100) as subscription:
                return [(d.body, d.properties) for d in await subscription.receive()]

    in_steps = await histories(0.25, 400)
    assert await histories(100, 1) == in_steps
    assert [body for body, _ in in_steps] == [b"1", b"2", b"3", b"9", b"22", b"63"]


async def test_the_system_clock_works_as_well():
    async with MemoryServer(SystemClock()) as server, MemoryBroker(server) as broker, asyncio.timeout(10):
        dead = Queue("dead", {"x-queue-type": "classic"})
        arguments = {"x-queue-type": "classic", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        await broker.declare(Topology(queues=(Queue("q", arguments), dead)))
        async with broker.subscribe("dead", prefetch=1) as subscription:
            await broker.publish([Outgoing("", "q", b"soon", Properties(expiration_ms=20))])
            assert [d.body for d in await subscription.receive()] == [b"soon"]


async def test_a_message_without_time_to_wait_reaches_a_consumer_that_is_there_and_nobody_later():
    async with MemoryServer(VirtualClock()) as server, MemoryBroker(server) as broker:
        await broker.declare(Topology(queues=(Queue("q", {"x-queue-type": "classic"}),)))
        at_once = Outgoing("", "q", b"", Properties(expiration_ms=0))
        await broker.publish([at_once])
        assert (await broker.depth("q")).messages == 0
        async with broker.subscribe("q", prefetch=1) as subscription:
            await broker.publish([at_once])
            assert len(await subscription.receive()) == 1
