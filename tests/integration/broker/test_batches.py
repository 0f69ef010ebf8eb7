"""Many messages at once, and some among them that cannot be taken."""

import asyncio
import hashlib
import random

import pytest

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, Properties, Verdict
from warren.broker.rabbit import RabbitBroker
from warren.errors import PublishFailed

pytestmark = pytest.mark.broker
Q = Topology((Exchange("x"),), (Queue("q", {"x-queue-type": "classic"}),), (Binding("x", "q", "k.*"),))


async def take(broker, count):
    taken = []
    async with asyncio.timeout(60), broker.subscribe("q", prefetch=500) as subscription:
        while len(taken) < count:
            deliveries = await subscription.receive()
            taken.extend(deliveries)
            await subscription.settle([(delivery, Verdict.ACK) for delivery in deliveries])
    return taken


def fingerprints(messages):
    return [(hashlib.sha256(m.body).hexdigest(), m.routing_key, m.properties.correlation_id) for m in messages]


async def test_ten_thousand_messages_arrive_intact_and_in_order(broker):
    await broker.declare(Q)
    dice = random.Random(7)
    sent = [
        Outgoing("x", f"k.{n % 50}", dice.randbytes(dice.randrange(3_000)), Properties(correlation_id=str(n)))
        for n in range(10_000)
    ]
    await broker.publish(sent)
    assert fingerprints(await take(broker, 10_000)) == fingerprints(sent)
    assert (await broker.depth("q")).messages == 0


async def test_bodies_around_the_size_of_a_frame_arrive_intact(broker):
    await broker.declare(Q)
    frame = 131_072 - 8
    sizes = [0, 1, frame - 1, frame, frame + 1, 2 * frame, 2 * frame + 1, 8 * 1024 * 1024]
    sent = [Outgoing("x", "k.1", random.Random(size).randbytes(size)) for size in sizes]
    await broker.publish(sent)
    assert fingerprints(await take(broker, len(sizes))) == fingerprints(sent)


async def test_all_properties_arrive(broker):
    await broker.declare(Q)
    properties = Properties(
        type="warren.task.v1",
        message_id="m1",
        correlation_id="c/0/1",
        reply_to="reply.me",
        priority=6,
        expiration_ms=60_000,
        timestamp_s=1_800_000_000,
        app_id="tests",
        content_type="application/json",
        persistent=False,
        headers={"traceparent": "00-ab-cd-01", "x-attempt": 2, "deep": {"list": [1, "ä", None, True]}},
    )
    await broker.publish([Outgoing("x", "k.ä", b"{}", properties), Outgoing("x", "k.2", b"", Properties())])
    full, bare = await take(broker, 2)
    assert (full.properties, full.routing_key, full.exchange, full.queue) == (properties, "k.ä", "x", "q")
    assert (bare.properties.priority, bare.properties.persistent, dict(bare.properties.headers)) == (4, True, {})


async def test_the_unroutable_among_five_hundred_are_named_and_the_others_arrive(broker):
    await broker.declare(Q)
    bad = {0, 17, 128, 255, 256, 499}
    batch = [Outgoing("x", "nowhere" if n in bad else "k.1", str(n).encode()) for n in range(500)]
    with pytest.raises(PublishFailed, match=r"6 reached no queue .*NO_ROUTE") as failure:
        await broker.publish(batch)
    assert failure.value.unroutable == sorted(bad)
    assert (failure.value.refused, failure.value.unconfirmed) == ([], [])
    assert {int(delivery.body) for delivery in await take(broker, 494)} == set(range(500)) - bad


async def test_what_makes_the_broker_close_the_channel_is_found_among_what_is_well(broker):
    """A missing exchange, a forged user id, and what cannot even be written."""
    await broker.declare(Q)
    batch = [Outgoing("x", "k.1", str(n).encode()) for n in range(300)]
    batch[7] = Outgoing("missing", "k.1", b"7")
    batch[150] = Outgoing("x", "k.1", b"150", Properties(user_id="somebody-else"))
    batch[200] = Outgoing("x", "k" * 256, b"200")
    batch[201] = Outgoing("x", "k.1", b"201", Properties(headers={"x": object()}))
    innocent = [Outgoing("x", "k.2", str(n).encode()) for n in range(300, 600)]
    failure, beside = await asyncio.gather(broker.publish(batch), broker.publish(innocent), return_exceptions=True)
    assert isinstance(failure, PublishFailed)
    assert (failure.unroutable, failure.refused, failure.unconfirmed) == ([7], [150, 200, 201], [])
    assert "somebody-else" in failure.impossible[150]
    assert list(failure.impossible) == [150, 200, 201]
    assert beside is None
    wanted = set(range(600)) - {7, 150, 200, 201}
    seen = set()
    async with asyncio.timeout(30), broker.subscribe("q", prefetch=500) as subscription:
        while seen != wanted:
            deliveries = await subscription.receive()
            seen |= {int(delivery.body) for delivery in deliveries}
            await subscription.settle([(delivery, Verdict.ACK) for delivery in deliveries])


async def test_a_full_queue_that_refuses_is_told_from_an_unroutable_message(broker):
    arguments = {"x-queue-type": "classic", "x-max-length": 2, "x-overflow": "reject-publish"}
    await broker.declare(Topology(queues=(Queue("q", arguments),)))
    with pytest.raises(PublishFailed, match="refused") as failure:
        await broker.publish([Outgoing("", "q", b"") for _ in range(5)])
    assert (failure.value.unroutable, failure.value.refused) == ([], [2, 3, 4])


async def test_what_is_larger_than_the_broker_takes_is_named_and_the_others_arrive(private_node):
    async with private_node() as node, RabbitBroker(node.amqp_url) as broker:
        await node.ctl("eval", "application:set_env(rabbit, max_message_size, 100000).")
        await broker.declare(Q)
        batch = [Outgoing("", "q", bytes(size)) for size in (100_000, 100_001, 10, 200_000)]
        with pytest.raises(PublishFailed, match="larger than configured max size 100000") as failure:
            await broker.publish(batch)
        assert (failure.value.refused, list(failure.value.impossible)) == ([1, 3], [1, 3])
        assert "message size 200000 is larger" in failure.value.impossible[3]
        assert {len(delivery.body) for delivery in await take(broker, 2)} == {100_000, 10}


async def test_a_batch_that_goes_out_singly_waits_for_a_broker_that_is_blocked_as_well(broker, wait_until):
    """The alarm comes between the two ways: the second connection hears of it, the first has not yet."""
    await broker.declare(Q)
    batch = [Outgoing("missing", "q", b"x"), Outgoing("", "q", b"y")]
    with pytest.raises(PublishFailed, match="no exchange 'missing'"):
        await broker.publish(batch)
    tap = broker._aside._line._tap
    tap.blocked = "an alarm"
    tap.unblocked.clear()
    publishing = asyncio.create_task(broker.publish(batch))
    await wait_until(broker._publisher._one_by_one.locked)
    for _ in range(3):  # round trips in which the message would arrive
        assert (await broker.depth("q")).messages == 1
    tap.blocked = None
    tap.unblocked.set()
    with pytest.raises(PublishFailed, match="no exchange 'missing'"):
        await publishing
    assert (await broker.depth("q")).messages == 2


async def test_hundreds_of_small_publishes_at_once_do_not_disturb_each_other(broker):
    await broker.declare(Q)

    async def publish(number):
        try:
            await broker.publish([Outgoing("x", "k.1" if number % 3 else "nowhere", str(number).encode())])
        except PublishFailed as failure:
            return failure.unroutable
        return None

    outcomes = await asyncio.gather(*(publish(number) for number in range(900)))
    assert outcomes == [None if number % 3 else [0] for number in range(900)]
    assert {int(d.body) for d in await take(broker, 600)} == {n for n in range(900) if n % 3}


async def test_deliveries_that_are_settled_out_of_order_are_settled_each_as_told(broker):
    await broker.declare(Q)
    await broker.publish([Outgoing("x", "k.1", str(n).encode()) for n in range(100)])
    order = list(range(100))
    random.Random(3).shuffle(order)
    async with broker.subscribe("q", prefetch=100) as subscription:
        held = []
        while len(held) < 100:
            held += await subscription.receive()
        for start in range(0, 90, 9):
            await subscription.settle([(held[n], Verdict.ACK) for n in order[start : start + 9]])
        await subscription.settle([(held[order[0]], Verdict.ACK)])
    left = {int(delivery.body) for delivery in await take(broker, 10)}
    assert left == set(order[90:])
    assert (await broker.depth("q")).messages == 0


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 nothing tells of it
            await asyncio.sleep(0)


def publishing_channels(broker):
    """The channels that are open on the connection that publishes."""
    return [channel for channel in broker._publishing._line._amqp.channels.values() if channel is not None]


async def test_after_a_refusal_a_new_channel_is_used_and_no_old_one_stays_open(broker):
    full = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    await broker.declare(Topology((Exchange("x"),), (Queue("q", full),), (Binding("x", "q", "k.*"),)))
    await broker.publish([Outgoing("x", "k.1", b"fits")])
    first = publishing_channels(broker)
    for _ in range(3):
        batches = [broker.publish([Outgoing("x", "k.1", b"too many")] * 2) for _ in range(4)]
        refusals = await asyncio.gather(*batches, return_exceptions=True)
        assert [error.refused for error in refusals] == [[0, 1]] * 4
    await take(broker, 1)
    await broker.publish([Outgoing("x", "k.1", b"fits again")])
    now = publishing_channels(broker)
    assert len(now) == len(first) == 1
    assert now != first


async def test_a_refusal_that_nobody_waits_for_any_more_leaves_no_channel_open(broker):
    """Whoever published has given up meanwhile, as at the end of his time."""
    full = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    await broker.declare(Topology((Exchange("x"),), (Queue("q", full),), (Binding("x", "q", "k.*"),)))
    await broker.publish([Outgoing("x", "k.1", b"fits")])
    first = publishing_channels(broker)
    confirms = broker._publisher._outlet.confirms
    async with asyncio.TaskGroup() as group:
        giving_up = group.create_task(broker.publish([Outgoing("x", "k.1", b"too many")]))
        await until(lambda: confirms._pending)
        giving_up.cancel()
        await until(lambda: confirms.is_doubtful)
    await take(broker, 1)
    await broker.publish([Outgoing("x", "k.1", b"fits again")])
    now = publishing_channels(broker)
    assert len(now) == 1
    assert now != first
