"""What RabbitMQ's queue types do beyond the common suite, on the memory broker."""

import asyncio
import doctest

import pytest

import warren.broker.memory.broker
from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing, Properties, Verdict
from warren.clock import VirtualClock
from warren.errors import BrokerUnavailable, InvalidInput, PublishFailed, QueueMissing, TopologyMismatch


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
async def server(clock):
    async with MemoryServer(clock) as server:
        yield server


@pytest.fixture
async def broker(server):
    async with MemoryBroker(server) as broker:
        yield broker


def quorum(name="q", **arguments):
    return queue(name, "quorum", **arguments)


def queue(name, kind, **arguments):
    own = {f"x-{argument.replace('_', '-')}": value for argument, value in arguments.items()}
    return Queue(name, {"x-queue-type": kind, **own})


def to(name, *bodies, **properties):
    return [Outgoing("", name, body, Properties(**properties)) for body in bodies]


async def bodies(broker, name):
    async with broker.subscribe(name, prefetch=1_000) as subscription:
        return [delivery.body for delivery in await asyncio.wait_for(subscription.receive(1_000), 5)]


async def test_a_quorum_queue_is_strict_about_priorities_up_to_31(broker):
    await broker.declare(Topology(queues=(quorum(),)))
    for priority in (4, 0, 31, 5, 200):
        await broker.publish(to("q", str(priority).encode(), priority=priority))
    assert await bodies(broker, "q") == [b"31", b"200", b"5", b"4", b"0"]


async def test_a_priority_above_the_queues_maximum_counts_as_the_maximum(broker):
    await broker.declare(Topology(queues=(queue("q", "classic", max_priority=5),)))
    await broker.publish([*to("q", b"5", priority=5), *to("q", b"9", priority=9)])
    assert await bodies(broker, "q") == [b"5", b"9"]


async def test_a_quorum_queue_counts_returns_and_a_classic_one_does_not(broker):
    await broker.declare(Topology(queues=(quorum("quorum"), queue("classic", "classic"))))
    for name, counts in (("quorum", [None, 1, 2]), ("classic", [None, None, None])):
        await broker.publish(to(name, b""))
        async with broker.subscribe(name, prefetch=1) as subscription:
            for expected in counts:
                (delivery,) = await subscription.receive()
                assert delivery.properties.headers.get("x-delivery-count") == expected
                await subscription.settle([(delivery, Verdict.REQUEUE)])


async def test_without_a_dead_letter_exchange_the_delivery_limit_drops(broker):
    await broker.declare(Topology(queues=(quorum(delivery_limit=1),)))
    await broker.publish(to("q", b""))
    for _ in range(2):
        assert await bodies(broker, "q") == [b""]
    assert (await broker.depth("q")).messages == 0


async def test_a_single_active_consumer_is_followed_by_the_next(broker):
    await broker.declare(Topology(queues=(queue("q", "classic", single_active_consumer=True),)))
    async with broker.subscribe("q", prefetch=9) as second_in_line:
        await second_in_line.cancel()
        async with broker.subscribe("q", prefetch=1) as active, broker.subscribe("q", prefetch=9) as next_one:
            await broker.publish(to("q", b"1", b"2"))
            assert [d.body for d in await active.receive()] == [b"1"]
            assert (await broker.depth("q")).messages == 1
            await active.cancel()
            assert [d.body for d in await next_one.receive()] == [b"2"]


async def test_length_in_bytes_is_a_limit_too(broker):
    await broker.declare(Topology(queues=(queue("q", "classic", max_length_bytes=10),)))
    await broker.publish(to("q", b"12345", b"6789", b"abc"))
    assert await bodies(broker, "q") == [b"6789", b"abc"]


async def test_a_refused_message_can_be_dead_lettered_as_well(broker):
    full = queue("q", "classic", max_length=0, overflow="reject-publish-dlx", dead_letter_exchange="")
    letters = queue("dead", "classic")
    full = Queue("q", {**full.arguments, "x-dead-letter-routing-key": "dead"})
    await broker.declare(Topology(queues=(full, letters)))
    with pytest.raises(PublishFailed) as failed:
        await broker.publish(to("q", b"no room"))
    assert failed.value.refused == [0]
    assert await bodies(broker, "dead") == [b"no room"]


async def insist_on_dead_letters(broker, **target):
    source = quorum(
        overflow="reject-publish",
        dead_letter_strategy="at-least-once",
        dead_letter_exchange="dlx",
        message_ttl=1_000,
    )
    await broker.declare(Topology((Exchange("dlx", "fanout"),), (source, queue("dead", "classic", **target))))
    return Topology(bindings=(Binding("dlx", "dead", ""),))


async def test_at_least_once_dead_letters_wait_for_a_route(broker, clock):
    late_binding = await insist_on_dead_letters(broker)
    await broker.publish(to("q", b"1"))
    clock.advance(5)
    await broker.declare(late_binding)
    clock.advance(1)
    assert (await broker.depth("dead")).messages == 1
    clock.advance(10)
    assert (await broker.depth("dead")).messages == 1


async def test_at_least_once_dead_letters_wait_for_room(broker, clock):
    await broker.declare(await insist_on_dead_letters(broker, max_length=1, overflow="reject-publish"))
    await broker.publish(to("q", b"1", b"2"))
    clock.advance(5)
    async with broker.subscribe("dead", prefetch=1) as subscription:
        (first,) = await subscription.receive()
        clock.advance(5)
        await subscription.settle([(first, Verdict.ACK)])
        (second,) = await subscription.receive()
    assert (first.body, second.body) == (b"1", b"2")


async def test_other_dead_letters_that_find_no_room_are_lost(broker, clock):
    source = queue("q", "classic", dead_letter_exchange="", dead_letter_routing_key="dead", message_ttl=1_000)
    small = queue("dead", "classic", max_length=1, overflow="reject-publish")
    await broker.declare(Topology(queues=(source, small)))
    await broker.publish(to("q", b"1", b"2"))
    clock.advance(5)
    assert await bodies(broker, "dead") == [b"1"]
    assert (await broker.depth("q")).messages == 0


async def test_a_history_that_a_client_published_counts_for_the_circle_as_before_4_0(broker, clock):
    source = queue("q", "classic", dead_letter_exchange="", dead_letter_routing_key="next", message_ttl=1_000)
    await broker.declare(Topology(queues=(source, queue("next", "classic"))))
    forged = {"x-death": [{"queue": "next", "reason": "expired", "count": 1}]}
    await broker.publish(to("q", b"", headers=forged))
    clock.advance(1)
    assert (await broker.depth("next")).messages == 0


@pytest.mark.parametrize(
    "refused",
    [
        quorum(max_priority=9),
        queue("q", "classic", delivery_limit=3),
        queue("q", "classic", dead_letter_strategy="at-least-once"),
        queue("q", "stream", message_ttl=1_000),
        queue("q", "magic"),
        queue("q", "classic", message_ttl="soon"),
        queue("q", "classic", message_ttl=-1),
        queue("q", "classic", max_length=True),
        queue("q", "stream", max_age="forever"),
    ],
)
async def test_arguments_that_rabbitmq_refuses_are_refused_and_named(broker, refused):
    wrong = next((name for name in refused.arguments if name != "x-queue-type"), "x-queue-type")
    with pytest.raises(InvalidInput, match=wrong):
        await broker.declare(Topology(queues=(refused,)))
    with pytest.raises(QueueMissing):
        await broker.depth("q")


async def test_a_binding_to_what_does_not_exist_is_refused_and_named(broker):
    await broker.declare(Topology((Exchange("x"),), (quorum(),)))
    with pytest.raises(TopologyMismatch, match="ghost"):
        await broker.declare(Topology(bindings=(Binding("ghost", "q", ""),)))
    with pytest.raises(TopologyMismatch, match="ghost"):
        await broker.declare(Topology(bindings=(Binding("x", "ghost", "", "exchange"),)))
    with pytest.raises(QueueMissing, match="ghost"):
        await broker.declare(Topology(bindings=(Binding("x", "ghost", ""),)))


async def test_an_inbox_that_cannot_be_bound_leaves_nothing_behind(broker):
    await broker.declare(Topology((Exchange("x"),)))
    with pytest.raises(TopologyMismatch, match="ghost"):
        async with broker.inbox([("x", "k"), ("ghost", "k")]):
            pass
    with pytest.raises(PublishFailed):
        await broker.publish([Outgoing("x", "k", b"")])


async def test_a_severed_connection_says_so_and_can_be_restored(broker):
    await broker.declare(Topology(queues=(quorum(),)))
    broker.sever()
    assert "severed" in broker.waiting_for
    with pytest.raises(BrokerUnavailable, match="severed"):
        await broker.publish(to("q", b""))
    broker.restore()
    assert broker.waiting_for is None
    await broker.publish(to("q", b""))


async def test_what_a_severed_subscription_held_is_not_first_given_to_its_neighbours(broker):
    await broker.declare(Topology(queues=(quorum(),)))
    async with broker.subscribe("q", prefetch=2), broker.subscribe("q", prefetch=2):
        await broker.publish(to("q", b"1", b"2"))
        broker.sever()
    broker.restore()
    async with broker.subscribe("q", prefetch=2) as subscription:
        counts = [d.properties.headers["x-delivery-count"] for d in await subscription.receive()]
    assert counts == [1, 1]


async def test_a_broker_cannot_be_used_before_or_after_its_context(server):
    broker = MemoryBroker(server)
    for _ in range(2):
        with pytest.raises(BrokerUnavailable, match="context"):
            await broker.publish([])
        async with broker:
            await broker.publish([])


async def test_a_prefetch_of_nothing_is_refused(broker):
    await broker.declare(Topology(queues=(quorum(),)))
    with pytest.raises(ValueError, match="prefetch"):
        async with broker.subscribe("q", prefetch=0):
            pass


async def test_a_stream_keeps_to_its_limits(broker, clock):
    kept = (queue("bytes", "stream", max_length_bytes=10), queue("age", "stream", max_age="1m"))
    await broker.declare(Topology(queues=kept))
    for _ in range(5):
        await broker.publish([*to("bytes", b"1234"), *to("age", b"1234")])
        clock.advance(25)
    assert (await broker.depth("bytes")).messages == 2
    assert (await broker.depth("age")).messages == 3


async def test_a_slow_reader_of_a_stream_goes_on_with_what_is_left(broker):
    await broker.declare(Topology(queues=(queue("s", "stream", max_length=3),)))
    async with broker.subscribe("s", prefetch=1) as subscription:
        await broker.publish(to("s", *(str(n).encode() for n in range(10))))
        seen = []
        for _ in range(4):
            (delivery,) = await subscription.receive()
            seen.append(int(delivery.body))
            await subscription.settle([(delivery, Verdict.REJECT)])
    assert seen == [0, 7, 8, 9]


def test_the_example_in_the_documentation_runs():
    failures, tried = doctest.testmod(warren.broker.memory.broker)
    assert failures == 0
    assert tried > 0
