"""What is published arrives as it was, or its position is named."""

import asyncio

import pytest

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, Properties
from warren.errors import PublishFailed

Q = Topology(queues=(Queue("q", {"x-queue-type": "classic"}),))


async def test_a_batch_of_a_thousand_is_in_the_queue_when_publish_returns(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", str(n).encode()) for n in range(1_000)])
        assert (await broker.depth("q")).messages == 1_000
        async with broker.subscribe("q", prefetch=1_000) as subscription:
            assert [int(d.body) for d in await take(subscription, 1_000)] == list(range(1_000))


async def test_batches_published_at_the_same_time_all_arrive(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await asyncio.gather(*(broker.publish([Outgoing("", "q", b"")] * 50) for _ in range(10)))
        assert (await broker.depth("q")).messages == 500


async def test_an_empty_batch_is_published_at_once(broker_factory):
    async with broker_factory() as broker:
        await broker.publish([])


@pytest.mark.parametrize("body", [b"", bytes(range(256)), b"\xce\x00\xce", b"{}", b"x" * 2**20, b"y" * (2**17 - 8)])
async def test_a_body_arrives_byte_for_byte(broker_factory, take, body):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", b"before"), Outgoing("", "q", body), Outgoing("", "q", b"after")])
        async with broker.subscribe("q", prefetch=10) as subscription:
            assert [d.body for d in await take(subscription, 3)] == [b"before", body, b"after"]


async def test_all_properties_and_headers_arrive(broker_factory, take, user):
    properties = Properties(
        type="warren.task.v1",
        message_id="0190-1",
        correlation_id="p/0/3",
        reply_to="reply.me",
        priority=6,
        expiration_ms=3_600_000,
        timestamp_s=1_800_000_123,
        app_id="tests",
        user_id=user,
        content_type="application/cloudevents+json",
        persistent=False,
        headers={
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "x-attempt": 3,
            "negative": -7,
            "big": 2**40,
            "flag": True,
            "ratio": 0.5,
            "nothing": None,
            "umlaut": "Grüße",
            "list": [1, "two", False],
            "table": {"deep": {"deeper": 1}},
        },
    )
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", b"{}", properties)])
        async with broker.subscribe("q", prefetch=1) as subscription:
            (delivery,) = await take(subscription, 1)
    assert delivery.properties == properties
    assert not delivery.redelivered


async def test_properties_that_were_left_out_stay_out(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", b"{}", Properties(message_id="1", content_type=None))])
        async with broker.subscribe("q", prefetch=1) as subscription:
            (delivery,) = await take(subscription, 1)
    assert delivery.properties == Properties(message_id="1", content_type=None)


async def test_a_message_without_an_id_gets_one_of_its_own(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", b"")] * 3)
        async with broker.subscribe("q", prefetch=3) as subscription:
            ids = {d.properties.message_id for d in await take(subscription, 3)}
    assert len(ids) == 3
    assert None not in ids


async def test_two_messages_with_one_id_both_arrive(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Q)
        twin = Properties(message_id="twin")
        await broker.publish([Outgoing("", "q", b"one", twin), Outgoing("", "q", b"two", twin)])
        async with broker.subscribe("q", prefetch=2) as subscription:
            deliveries = await take(subscription, 2)
    assert [(d.body, d.properties.message_id) for d in deliveries] == [(b"one", "twin"), (b"two", "twin")]


async def test_what_a_full_queue_refuses_is_named_by_its_position(broker_factory):
    async with broker_factory() as broker:
        full = Queue("small", {"x-queue-type": "classic", "x-max-length": 2, "x-overflow": "reject-publish"})
        await broker.declare(Topology(queues=(full, *Q.queues)))
        await broker.publish([Outgoing("", "small", b"")] * 2)
        with pytest.raises(PublishFailed) as failed:
            await broker.publish([Outgoing("", "q", b""), Outgoing("", "small", b""), Outgoing("", "q", b"")])
        assert (failed.value.unroutable, failed.value.refused, failed.value.unconfirmed) == ([], [1], [])
        assert (await broker.depth("small")).messages == 2
        assert (await broker.depth("q")).messages == 2


async def test_one_full_queue_of_several_makes_a_refusal_and_the_others_keep_their_copies(broker_factory):
    async with broker_factory() as broker:
        limits = {"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
        queues = (
            Queue("a", {"x-queue-type": "classic"}),
            Queue("full", limits),
            Queue("z", {"x-queue-type": "classic"}),
        )
        bindings = tuple(Binding("x", queue.name, "#") for queue in queues)
        await broker.declare(Topology((Exchange("x"),), queues, bindings))
        await broker.publish([Outgoing("x", "k", b"")])
        with pytest.raises(PublishFailed) as failed:
            await broker.publish([Outgoing("x", "k", b"")])
        assert failed.value.refused == [0]
        assert [(await broker.depth(queue.name)).messages for queue in queues] == [2, 1, 2]


async def test_a_full_queue_that_drops_its_head_keeps_the_newest(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Topology(queues=(Queue("short", {"x-queue-type": "classic", "x-max-length": 3}),)))
        await broker.publish([Outgoing("", "short", str(n).encode()) for n in range(10)])
        async with broker.subscribe("short", prefetch=10) as subscription:
            assert [int(d.body) for d in await take(subscription, 3)] == [7, 8, 9]
