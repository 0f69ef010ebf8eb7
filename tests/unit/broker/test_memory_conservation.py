"""Whatever happens in whatever order: every message is acked, rejected or still there, and there once."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from topology.declaration import Queue, Topology
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing, Properties, Verdict
from warren.clock import VirtualClock

LETTERS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
KINDS = st.sampled_from(
    [
        {"x-queue-type": "classic"},
        {"x-queue-type": "classic", "x-max-priority": 9},
        {"x-queue-type": "classic", "x-message-ttl": 2_000},
        {"x-queue-type": "classic", "x-max-length": 5},
        {"x-queue-type": "quorum", "x-delivery-limit": 2},
    ]
)
PICKS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(Verdict)), max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.lists(st.integers(0, 9), min_size=1, max_size=6)),
    st.tuples(st.just("receive"), st.integers(0, 1)),
    st.tuples(st.just("settle"), st.tuples(st.integers(0, 1), PICKS)),
    st.tuples(st.just("sever"), st.integers(0, 1)),
    st.tuples(st.just("pass"), st.integers(0, 1_500)),
)


class Run:
    """Two connections that consume one queue, and a tally of what became of the messages."""

    def __init__(self, clock, brokers, subscriptions):
        self.clock = clock
        self.brokers = brokers
        self.subscriptions = subscriptions
        self.held = [[], []]
        self.published = 0
        self.acked = []

    async def publish(self, priorities):
        batch = []
        for priority in priorities:
            self.published += 1
            properties = Properties(message_id=str(self.published), priority=priority)
            batch.append(Outgoing("", "q", str(self.published).encode(), properties))
        await self.brokers[0].publish(batch)

    async def receive(self, who):
        waiting = asyncio.ensure_future(self.subscriptions[who].receive(3))
        for _ in range(3):
            await asyncio.sleep(0)
        if waiting.done():
            self.held[who] += waiting.result()
        else:
            waiting.cancel()
            await asyncio.wait([waiting])

    async def settle(self, choice):
        who, picks = choice
        verdicts = [(self.held[who].pop(n % len(self.held[who])), v) for n, v in picks if self.held[who]]
        self.acked += [delivery.body for delivery, verdict in verdicts if verdict is Verdict.ACK]
        await self.subscriptions[who].settle(verdicts)

    async def sever(self, who):
        self.brokers[who].sever()
        self.brokers[who].restore()
        self.held[who] = []

    async def pass_(self, ms):
        self.clock.advance(ms / 1000)


async def everything_in(server, queue):
    async with MemoryBroker(server) as broker:
        if not (waiting := (await broker.depth(queue)).messages):
            return []
        async with broker.subscribe(queue, prefetch=1_000) as subscription:
            deliveries = await subscription.receive(1_000)
            assert len(deliveries) == waiting
            await subscription.settle([(delivery, Verdict.ACK) for delivery in deliveries])
            return deliveries


async def play(arguments, steps):
    clock = VirtualClock()
    async with MemoryServer(clock) as server:
        async with MemoryBroker(server) as one, MemoryBroker(server) as two:
            queues = (Queue("q", {**arguments, **LETTERS}), Queue("dead", {"x-queue-type": "classic"}))
            await one.declare(Topology(queues=queues))
            async with one.subscribe("q", prefetch=4) as left, two.subscribe("q", prefetch=2) as right:
                run = Run(clock, (one, two), (left, right))
                for name, argument in steps:
                    await getattr(run, "pass_" if name == "pass" else name)(argument)
                    assert all(len(held) <= most for held, most in zip(run.held, (4, 2), strict=True))
        return run, await everything_in(server, "q"), await everything_in(server, "dead")


@settings(max_examples=150, deadline=None)
@given(KINDS, st.lists(STEPS, max_size=40))
def test_nothing_is_lost_and_nothing_doubled(arguments, steps):
    run, waiting, dead = asyncio.run(play(arguments, steps))
    ends = Counter(run.acked) + Counter(d.body for d in waiting) + Counter(d.body for d in dead)
    assert ends == Counter(str(n + 1).encode() for n in range(run.published))


@settings(max_examples=100, deadline=None)
@given(KINDS, st.lists(STEPS, max_size=40))
def test_what_comes_back_keeps_its_place(arguments, steps):
    _, waiting, _ = asyncio.run(play(arguments, steps))
    by_priority = arguments["x-queue-type"] == "quorum" or "x-max-priority" in arguments
    order = [(-d.properties.priority if by_priority else 0, int(d.body)) for d in waiting]
    assert order == sorted(order)


@settings(max_examples=50, deadline=None)
@given(KINDS, st.lists(STEPS, max_size=40))
def test_the_same_calls_have_the_same_outcome(arguments, steps):
    def outcome():
        run, waiting, dead = asyncio.run(play(arguments, steps))
        return run.acked, run.held, waiting, dead

    assert outcome() == outcome()
