"""What happens to deliveries when the connection they came by is gone."""

import asyncio

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, Verdict
from warren.errors import BrokerUnavailable, PublishFailed

Q = Topology(queues=(Queue("q", {"x-queue-type": "classic"}),))


def numbered(count):
    return [Outgoing("", "q", str(n).encode()) for n in range(count)]


async def test_what_a_closed_connection_held_goes_to_another_and_says_so(broker_factory, take):
    async with broker_factory() as survivor:
        await survivor.declare(Q)
        await survivor.publish(numbered(3))
        async with broker_factory() as leaver, leaver.subscribe("q", prefetch=3) as subscription:
            await take(subscription, 3)
        async with survivor.subscribe("q", prefetch=3) as subscription:
            deliveries = await take(subscription, 3)
    assert [(int(d.body), d.redelivered) for d in deliveries] == [(0, True), (1, True), (2, True)]


async def test_a_subscription_survives_a_cut_and_gets_its_deliveries_again(broker_factory, take, cut, comes_to_hold):
    async with broker_factory() as watcher, broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(3))
        async with broker.subscribe("q", prefetch=3) as subscription:
            before = await take(subscription, 3)
            await cut(broker)
            again = await take(subscription, 3)
            assert [(int(d.body), d.redelivered) for d in again] == [(0, True), (1, True), (2, True)]
            assert {d.tag for d in before}.isdisjoint(d.tag for d in again)
            await subscription.settle([(delivery, Verdict.ACK) for delivery in again])
            await comes_to_hold(watcher, "q", 0)


async def test_settling_a_delivery_of_a_lost_channel_changes_nothing(broker_factory, take, cut, comes_to_hold):
    async with broker_factory() as watcher, broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(3))
        async with broker.subscribe("q", prefetch=3) as subscription:
            before = await take(subscription, 3)
            await cut(broker)
            again = await take(subscription, 3)
            await subscription.settle([(delivery, Verdict.ACK) for delivery in before])
            await subscription.settle([(again[0], Verdict.ACK)])
        await comes_to_hold(watcher, "q", 2)


async def test_publishing_works_again_after_a_cut(broker_factory, cut, time):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await cut(broker)

        async def is_published():
            try:
                await broker.publish(numbered(1))
            except (BrokerUnavailable, PublishFailed):
                return False
            return True

        await time.until(is_published)
        assert (await broker.depth("q")).messages >= 1
        assert broker.waiting_for is None


async def test_an_inbox_that_somebody_reads_is_made_anew_after_a_cut(broker_factory, cut, time):
    async with broker_factory() as sender, broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        async with broker.inbox([("x", "all"), ("x", "me.*")]) as inbox, asyncio.TaskGroup() as group:
            waiting = group.create_task(inbox.receive(1))
            await cut(broker)

            async def is_heard():
                await sender.publish([Outgoing("x", "me.1", b"are you there?", mandatory=False)])
                return waiting.done()

            await time.until(is_heard)
        assert [d.routing_key for d in waiting.result()] == ["me.1"]


async def test_an_inbox_is_made_anew_after_a_cut_even_if_nobody_reads_it_yet(broker_factory, cut, time):
    async with broker_factory() as sender, broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        async with broker.inbox([("x", "all")]) as inbox:
            await cut(broker)

            async def is_heard():
                try:
                    await sender.publish([Outgoing("x", "all", b"are you there?")])
                except PublishFailed:
                    return False
                return not broker.waiting_for

            await time.until(is_heard)
            await sender.publish([Outgoing("x", "all", b"really?")])
            assert (await inbox.receive(1))[0].routing_key == "all"


async def test_a_quorum_queue_gives_up_on_a_message_after_its_delivery_limit(broker_factory, take, comes_to_hold):
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "dlx"}
    topology = Topology(
        (Exchange("dlx", "fanout"),), (Queue("poison", arguments), *Q.queues), (Binding("dlx", "q", ""),)
    )
    async with broker_factory() as watcher:
        await watcher.declare(topology)
        await watcher.publish([Outgoing("", "poison", b"kills its reader")])
        for life in range(3):
            async with broker_factory() as victim, victim.subscribe("poison", prefetch=1) as subscription:
                (delivery,) = await take(subscription, 1)
                assert delivery.redelivered is (life > 0)
        await comes_to_hold(watcher, "q", 1)
        async with watcher.subscribe("q", prefetch=1) as subscription:
            (dead,) = await take(subscription, 1)
    assert dead.properties.headers["x-death"][0]["reason"] == "delivery_limit"
    assert dead.properties.headers["x-death"][0]["queue"] == "poison"
