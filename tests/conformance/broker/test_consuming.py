"""How deliveries come, and what settling them does."""

import asyncio

import pytest

from topology.declaration import Queue, Topology
from warren.broker.port import Outgoing, Properties, Verdict
from warren.errors import QueueMissing

Q = Topology(queues=(Queue("q", {"x-queue-type": "classic"}),))


def numbered(count):
    return [Outgoing("", "q", str(n).encode()) for n in range(count)]


def numbers(deliveries):
    return [int(delivery.body) for delivery in deliveries]


def all_of(deliveries, verdict):
    return [(delivery, verdict) for delivery in deliveries]


async def test_the_prefetch_is_never_exceeded(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(20))
        async with broker.subscribe("q", prefetch=5) as subscription:
            held = await take(subscription, 5)
            await comes_to_hold(broker, "q", 15)
            await subscription.settle(all_of(held[:2], Verdict.ACK))
            held = held[2:] + await take(subscription, 2)
            await comes_to_hold(broker, "q", 13)
            assert numbers(held) == [2, 3, 4, 5, 6]


async def test_everything_comes_through_however_small_the_prefetch(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(50))
        seen = []
        async with broker.subscribe("q", prefetch=3) as subscription:
            while len(seen) < 50:
                deliveries = await subscription.receive()
                assert 1 <= len(deliveries) <= 3
                seen += numbers(deliveries)
                await subscription.settle(all_of(deliveries, Verdict.ACK))
        assert seen == list(range(50))


async def test_receive_hands_out_no_more_than_its_limit(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(10))
        async with broker.subscribe("q", prefetch=10) as subscription, asyncio.timeout(30):
            seen = []
            while len(seen) < 10:
                deliveries = await subscription.receive(4)
                assert 1 <= len(deliveries) <= 4
                seen += numbers(deliveries)
        assert seen == list(range(10))


async def test_receive_waits_for_the_first_message(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=10) as subscription, asyncio.TaskGroup() as group:
            waiting = group.create_task(subscription.receive())
            await broker.publish(numbered(1))
        assert numbers(waiting.result()) == [0]


async def test_a_receive_that_is_cancelled_takes_nothing_with_it(broker_factory, take, time):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=10) as subscription:
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(subscription.receive())
                await time.pass_(50)
                waiting.cancel()
            await broker.publish(numbered(3))
            assert numbers(await take(subscription, 3)) == [0, 1, 2]


async def test_higher_priorities_come_first_and_equal_ones_in_order(broker_factory, take):
    async with broker_factory() as broker:
        queue = Queue("q", {"x-queue-type": "classic", "x-max-priority": 9})
        await broker.declare(Topology(queues=(queue,)))
        priorities = [4, 1, 9, 4, 0, 6, 9]
        await broker.publish(
            [Outgoing("", "q", str(n).encode(), Properties(priority=p)) for n, p in enumerate(priorities)]
        )
        async with broker.subscribe("q", prefetch=10) as subscription:
            deliveries = await take(subscription, 7)
    assert [(d.properties.priority, int(d.body)) for d in deliveries] == [
        (9, 2),
        (9, 6),
        (6, 5),
        (4, 0),
        (4, 3),
        (1, 1),
        (0, 4),
    ]


async def test_without_a_priority_queue_the_order_is_that_of_arrival(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", str(p).encode(), Properties(priority=p)) for p in (1, 9, 4)])
        async with broker.subscribe("q", prefetch=10) as subscription:
            assert numbers(await take(subscription, 3)) == [1, 9, 4]


async def test_what_is_acked_is_gone(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(3))
        async with broker.subscribe("q", prefetch=3) as subscription:
            await subscription.settle(all_of(await take(subscription, 3), Verdict.ACK))
        await comes_to_hold(broker, "q", 0)


async def test_what_is_rejected_is_gone_where_there_is_no_dead_letter_exchange(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(3))
        async with broker.subscribe("q", prefetch=3) as subscription:
            await subscription.settle(all_of(await take(subscription, 3), Verdict.REJECT))
        await comes_to_hold(broker, "q", 0)


async def test_what_is_requeued_comes_again_in_its_old_place_and_says_so(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(6))
        async with broker.subscribe("q", prefetch=3) as subscription:
            first = await take(subscription, 3)
            await subscription.cancel()
            await subscription.settle(
                [(first[0], Verdict.REQUEUE), (first[1], Verdict.ACK), (first[2], Verdict.REQUEUE)]
            )
        async with broker.subscribe("q", prefetch=10) as subscription:
            again = await take(subscription, 5)
    assert [(int(d.body), d.redelivered) for d in again] == [(0, True), (2, True), (3, False), (4, False), (5, False)]


async def test_deliveries_can_be_settled_in_any_order_and_mixture(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(10))
        async with broker.subscribe("q", prefetch=10) as subscription:
            deliveries = await take(subscription, 10)
            await subscription.cancel()
            await subscription.settle([(deliveries[n], Verdict.ACK) for n in (7, 2, 3)])
            await subscription.settle([(deliveries[9], Verdict.REJECT), (deliveries[0], Verdict.ACK)])
            await subscription.settle([(deliveries[5], Verdict.REQUEUE), (deliveries[4], Verdict.ACK)])
            await subscription.settle([(deliveries[n], Verdict.ACK) for n in (8, 6)])
        await comes_to_hold(broker, "q", 2)
        async with broker.subscribe("q", prefetch=10) as subscription:
            assert numbers(await take(subscription, 2)) == [1, 5]


async def test_an_ack_does_not_settle_what_came_before_it(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(3))
        async with broker.subscribe("q", prefetch=3) as subscription:
            deliveries = await take(subscription, 3)
            await subscription.settle([(deliveries[2], Verdict.ACK)])
        await comes_to_hold(broker, "q", 2)


async def test_settling_nothing_is_allowed(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=3) as subscription:
            await subscription.settle([])


async def test_two_subscriptions_share_a_queue_and_each_message_goes_to_one(broker_factory, take):
    async with broker_factory() as one, broker_factory() as two:
        await one.declare(Q)
        async with one.subscribe("q", prefetch=5) as left, two.subscribe("q", prefetch=5) as right:
            await one.publish(numbered(10))
            left_has, right_has = await take(left, 5), await take(right, 5)
            assert sorted(numbers(left_has + right_has)) == list(range(10))
            assert numbers(left_has) == sorted(numbers(left_has))


async def test_a_subscription_that_is_full_leaves_the_rest_to_the_others(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=1) as slow, broker.subscribe("q", prefetch=2) as quick:
            await broker.publish(numbered(10))
            await take(slow, 1)
            seen = 0
            while seen < 9:
                deliveries = await take(quick, 1)
                seen += len(deliveries)
                await quick.settle(all_of(deliveries, Verdict.ACK))
        await comes_to_hold(broker, "q", 1)


async def test_after_cancel_nothing_new_comes_and_nothing_is_lost(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(10))
        async with broker.subscribe("q", prefetch=6) as subscription:
            held = await take(subscription, 2)
            await subscription.cancel()
            await broker.publish([Outgoing("", "q", b"10")])
            while more := await subscription.receive():
                held += more
            assert 10 not in numbers(held)
            assert await subscription.receive() == []
            await subscription.settle(all_of(held, Verdict.ACK))
        await comes_to_hold(broker, "q", 11 - len(held))


async def test_cancel_ends_a_receive_that_waits(broker_factory, time):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=6) as subscription, asyncio.timeout(30), asyncio.TaskGroup() as group:
            waiting = group.create_task(subscription.receive())
            await time.pass_(50)
            await subscription.cancel()
        assert waiting.result() == []


async def test_cancel_may_be_said_twice(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Q)
        async with broker.subscribe("q", prefetch=6) as subscription:
            await subscription.cancel()
            await subscription.cancel()
        assert (await broker.depth("q")).consumers == 0


async def test_leaving_a_subscription_gives_back_what_is_not_settled(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(5))
        async with broker.subscribe("q", prefetch=4) as subscription:
            held = await take(subscription, 3)
            await subscription.settle([(held[1], Verdict.ACK)])
        await comes_to_hold(broker, "q", 4)
        async with broker.subscribe("q", prefetch=10) as subscription:
            again = await take(subscription, 4)
        assert numbers(again) == [0, 2, 3, 4]
        assert [d.redelivered for d in again[:2]] == [True, True]


async def test_a_failing_consumer_gives_back_too(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish(numbered(2))

        async def consume_and_fail():
            async with broker.subscribe("q", prefetch=2) as subscription:
                await take(subscription, 2)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await consume_and_fail()
        await comes_to_hold(broker, "q", 2)


async def test_a_queue_that_does_not_exist_cannot_be_subscribed_to(broker_factory):
    async with broker_factory() as broker:
        with pytest.raises(QueueMissing, match=r"no\.such\.queue"):
            async with broker.subscribe("no.such.queue", prefetch=1):
                pass
        await broker.declare(Q)
        await broker.publish(numbered(1))


async def test_a_stream_is_read_by_everybody_from_the_moment_they_come(broker_factory, take):
    stream = Queue("s", {"x-queue-type": "stream", "x-max-length-bytes": 10_000_000})
    async with broker_factory() as broker:
        await broker.declare(Topology(queues=(stream,)))
        await broker.publish([Outgoing("", "s", b"too early")])
        async with broker.subscribe("s", prefetch=10) as one, broker.subscribe("s", prefetch=10) as two:
            await broker.publish([Outgoing("", "s", str(n).encode()) for n in range(30)])
            for reader in (one, two):
                seen = []
                while len(seen) < 30:
                    deliveries = await take(reader, 1)
                    seen += numbers(deliveries)
                    await reader.settle(all_of(deliveries, Verdict.ACK))
                assert seen == list(range(30))
