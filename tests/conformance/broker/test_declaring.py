"""Declaring, inboxes and depths."""

from dataclasses import replace

import pytest

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, QueueDepth
from warren.errors import PublishFailed, QueueMissing, TopologyMismatch

QUEUE = Queue("q", {"x-queue-type": "classic", "x-message-ttl": 60_000, "x-max-priority": 9})
TOPOLOGY = Topology((Exchange("x"),), (QUEUE,), (Binding("x", "q", "k"),))


async def test_declaring_twice_changes_nothing(broker_factory):
    async with broker_factory() as one, broker_factory() as two:
        await one.declare(TOPOLOGY)
        await one.publish([Outgoing("x", "k", b"")])
        await two.declare(TOPOLOGY)
        assert await two.depth("q") == QueueDepth(1, 0)


async def test_a_queue_with_another_argument_is_refused_in_words(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(TOPOLOGY)
        changed = replace(QUEUE, arguments={**QUEUE.arguments, "x-message-ttl": 30_000})
        with pytest.raises(TopologyMismatch) as refused:
            await broker.declare(Topology(queues=(changed,)))
        for word in ("queue", "q", "x-message-ttl", "60000", "30000"):
            assert word in str(refused.value).replace("_", "")


async def test_a_queue_that_lacks_an_argument_is_refused_in_words(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(TOPOLOGY)
        lesser = Queue("q", {"x-queue-type": "classic", "x-message-ttl": 60_000})
        with pytest.raises(TopologyMismatch, match="x-max-priority"):
            await broker.declare(Topology(queues=(lesser,)))


async def test_an_exchange_of_another_kind_is_refused_in_words(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(TOPOLOGY)
        with pytest.raises(TopologyMismatch) as refused:
            await broker.declare(Topology((Exchange("x", "fanout"),)))
        for word in ("exchange", "x", "topic", "fanout"):
            assert word in str(refused.value)


async def test_an_exchange_with_another_alternate_is_refused_in_words(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("lost"), Exchange("x", arguments={"alternate-exchange": "lost"}))))
        with pytest.raises(TopologyMismatch, match="alternate-exchange"):
            await broker.declare(Topology((Exchange("x"),)))


async def test_the_broker_can_be_used_after_a_mismatch(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(TOPOLOGY)
        with pytest.raises(TopologyMismatch):
            await broker.declare(Topology((Exchange("x", "fanout"),)))
        await broker.publish([Outgoing("x", "k", b"")])
        await broker.declare(TOPOLOGY)
        assert (await broker.depth("q")).messages == 1


async def test_depth_counts_what_waits_and_who_listens(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(TOPOLOGY)
        assert await broker.depth("q") == QueueDepth(0, 0)
        await broker.publish([Outgoing("x", "k", b"")] * 5)
        assert await broker.depth("q") == QueueDepth(5, 0)
        async with broker.subscribe("q", prefetch=2) as subscription:
            await take(subscription, 2)
            await comes_to_hold(broker, "q", 3)
            assert (await broker.depth("q")).consumers == 1


async def test_the_depth_of_a_queue_that_does_not_exist_is_an_error(broker_factory):
    async with broker_factory() as broker:
        with pytest.raises(QueueMissing, match=r"no\.such\.queue"):
            await broker.depth("no.such.queue")
        await broker.declare(TOPOLOGY)
        assert await broker.depth("q") == QueueDepth(0, 0)


async def test_a_connected_broker_waits_for_nothing(broker_factory):
    async with broker_factory() as broker:
        assert broker.waiting_for is None


async def test_an_inbox_gets_what_its_routes_match_and_each_inbox_its_own_copy(broker_factory, take):
    async with broker_factory() as one, broker_factory() as two:
        await one.declare(Topology((Exchange("x"), Exchange("y"))))
        mine, theirs = [("x", "all"), ("y", "agent.1")], [("x", "all"), ("y", "agent.2")]
        async with one.inbox(mine) as left, two.inbox(theirs) as right:
            await one.publish([Outgoing("x", "all", b"both"), Outgoing("y", "agent.2", b"right")])
            assert [d.body for d in await take(right, 2)] == [b"both", b"right"]
            (delivery,) = await take(left, 1)
            assert (delivery.body, delivery.exchange, delivery.routing_key) == (b"both", "x", "all")


async def test_an_inbox_can_be_reached_by_its_queues_name(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        async with broker.inbox([("x", "hello")]) as inbox:
            await broker.publish([Outgoing("x", "hello", b"")])
            (first,) = await take(inbox, 1)
            await broker.publish([Outgoing("", first.queue, b"straight")])
            (second,) = await take(inbox, 1)
        assert (second.queue, second.body) == (first.queue, b"straight")


async def test_an_inbox_is_gone_when_its_context_is_left(broker_factory, time):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        async with broker.inbox([("x", "hello")]):
            await broker.publish([Outgoing("x", "hello", b"")])

        async def is_gone():
            try:
                await broker.publish([Outgoing("x", "hello", b"")])
            except PublishFailed as failed:
                return failed.unroutable == [0]
            return False

        await time.until(is_gone)


async def test_two_inboxes_of_one_connection_do_not_mix(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        async with broker.inbox([("x", "a")]) as a, broker.inbox([("x", "b")], prefetch=1) as b:
            await broker.publish([Outgoing("x", "b", b"for b"), Outgoing("x", "a", b"for a")])
            assert [d.body for d in await take(a, 1)] == [b"for a"]
            assert [d.body for d in await take(b, 1)] == [b"for b"]
