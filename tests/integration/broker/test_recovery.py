"""Connections are lost and come back: nothing is lost with them, and somebody can tell what is waited for."""

import asyncio
import logging

import pytest
from structlog.testing import capture_logs
from yarl import URL

from topology.declaration import Queue, Topology
from warren.broker.port import Outgoing, Verdict
from warren.broker.rabbit import RabbitBroker, transport, wire
from warren.broker.rabbit.inflow import Inflow
from warren.errors import BrokerUnavailable, InvalidInput, PublishFailed

pytestmark = pytest.mark.broker
Q = Topology(queues=(Queue("q", {"x-queue-type": "classic"}),))


def numbered(count, size=0):
    return [Outgoing("", "q", str(number).encode().zfill(size)) for number in range(count)]


async def take_bodies(subscription, count):
    """That many different bodies, each acked; copies do not count."""
    seen = set()
    async with asyncio.timeout(60):
        while len(seen) < count:
            deliveries = await subscription.receive()
            seen.update(int(delivery.body) for delivery in deliveries)
            await subscription.settle([(delivery, Verdict.ACK) for delivery in deliveries])
    return seen


@pytest.mark.parametrize("cut_after_bytes", [60_000, 300_000, 900_000])
async def test_a_batch_that_is_cut_in_the_middle_arrives_whole(cable, broker, cut_after_bytes):
    await broker.declare(Q)
    async with RabbitBroker(cable.url) as publishing:
        cable.cut_after_bytes = cut_after_bytes
        await publishing.publish(numbered(5_000, size=100))
        assert cable.cut_after_bytes is None
    async with broker.subscribe("q", prefetch=1_000) as subscription:
        assert await take_bodies(subscription, 5_000) == set(range(5_000))


async def test_deliveries_that_are_cut_in_the_middle_all_come_in_the_end(cable, broker):
    await broker.declare(Q)
    await broker.publish(numbered(3_000, size=100))
    async with RabbitBroker(cable.url) as consuming, consuming.subscribe("q", prefetch=200) as subscription:
        seen = await take_bodies(subscription, 1_000)
        cable.cut()
        seen |= await take_bodies(subscription, 500)
        cable.cut()
        while len(seen) < 3_000:
            seen |= await take_bodies(subscription, 1)
    assert (await broker.depth("q")).messages == 0


async def test_publishing_waits_for_the_end_of_an_outage_and_says_so(cable, broker, wait_until):
    await broker.declare(Q)
    async with RabbitBroker(cable.url) as publishing, asyncio.TaskGroup() as group:
        await publishing.publish(numbered(1))
        cable.unplug()
        pending = group.create_task(publishing.publish(numbered(3)))
        await wait_until(lambda: "2nd try" in (publishing.waiting_for or ""))
        assert "connecting to 127.0.0.1:" in publishing.waiting_for
        assert not pending.done()
        cable.plug_in()
        await pending
        assert publishing.waiting_for is None
    assert (await broker.depth("q")).messages == 4


async def test_publishing_gives_up_on_an_outage_after_its_time_limit(cable, broker):
    await broker.declare(Q)
    async with RabbitBroker(cable.url, publish_timeout_s=0.5) as publishing:
        cable.unplug()
        with pytest.raises(PublishFailed, match=r"3 unconfirmed .*no confirm within 0\.5 s, connecting to") as failure:
            await publishing.publish(numbered(3))
    assert failure.value.unconfirmed == [0, 1, 2]


async def test_a_node_that_is_killed_and_comes_back_is_found_again(private_node):
    async with private_node() as node, RabbitBroker(node.amqp_url) as broker:
        await broker.declare(Q)
        await broker.publish(numbered(100))
        async with broker.subscribe("q", prefetch=10) as subscription:
            held = await subscription.receive(10)
            await node.kill()
            await node.start()
            await broker.publish([Outgoing("", "q", b"100")])
            await subscription.settle([(delivery, Verdict.ACK) for delivery in held])
            assert await take_bodies(subscription, 101) == set(range(101))


async def test_a_consumer_whose_queue_is_deleted_waits_for_it_to_come_back(broker, wait_until):
    await broker.declare(Q)
    async with broker.subscribe("q", prefetch=10) as subscription, asyncio.TaskGroup() as group:
        receiving = group.create_task(subscription.receive())
        await delete_queue(broker)
        await wait_until(lambda: "no queue 'q'" in (broker.waiting_for or ""))
        assert broker.waiting_for.startswith("consuming queue 'q' (")
        await broker.declare(Q)
        await broker.publish(numbered(1))
        assert [delivery.body for delivery in await receiving] == [b"0"]
        assert broker.waiting_for is None


async def delete_queue(broker):
    channel = await (await broker._control._open(5)).open_channel()
    await channel.queue_delete("q")
    await channel.close()


async def test_a_channel_that_the_broker_closes_is_opened_again_on_the_same_connection(broker):
    await broker.declare(Q)
    await broker.publish(numbered(5))
    async with broker.subscribe("q", prefetch=5) as subscription:
        first = await subscription.receive()
        consumer = subscription._consumer
        consumer.line.write(wire.ack(consumer.channel.number, 999, multiple=False))
        async with asyncio.timeout(10):
            await consumer.intake.gone.wait()
        await subscription.settle([(delivery, Verdict.ACK) for delivery in first])
        assert await take_bodies(subscription, 5) == set(range(5))
        assert subscription._consumer.line is consumer.line
        assert subscription._consumer.channel is not consumer.channel


async def test_cancelling_does_not_wait_for_an_outage_to_end(cable, broker, wait_until):
    await broker.declare(Q)
    async with RabbitBroker(cable.url) as consuming, consuming.subscribe("q", prefetch=5) as subscription:
        cable.unplug()
        await wait_until(lambda: "try" in (consuming.waiting_for or ""))
        async with asyncio.timeout(5):
            await subscription.cancel()
            assert await subscription.receive() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("://", "://nobody-"), "login refused"),
        (lambda url: url + "-that-is-not-there", "vhost .* not found"),
        (lambda _: "amqp://guest:hush@127.0.0.1:1/", "127.0.0.1:1: connection refused"),
        (lambda _: "amqp://guest:hush@no-such-host.invalid/", "no-such-host.invalid:5672: "),
        (lambda url: url.replace("amqp:", "amqps:"), "TLS failed"),
        (lambda _: "amqps://guest:hush@127.0.0.1/?cafile=/nowhere.pem", "TLS files"),
    ],
)
async def test_a_first_connection_that_fails_says_why_in_time(amqp_vhost_url, change, words, caplog):
    url = change(amqp_vhost_url)
    password = url.rpartition("@")[0].rpartition(":")[2]
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        async with asyncio.timeout(10):
            with pytest.raises(BrokerUnavailable, match=words) as failure:
                await RabbitBroker(url, connect_timeout_s=0.5).__aenter__()
    if len(password) > 5 or password == "hush":
        assert password not in f"{failure.value} {logs} {caplog.text}"


@pytest.mark.parametrize("url", ["", "http://host/", "amqp:", "localhost:5672", "amqp://user:hush@host:port/"])
def test_a_url_that_is_none_is_refused_without_being_repeated(url):
    with pytest.raises(InvalidInput, match="amqp://user:password@host") as failure:
        RabbitBroker(url)
    assert "hush" not in str(failure.value)


async def test_a_blocked_connection_is_told_and_ends_in_unconfirmed_messages(private_node, wait_until):
    async with private_node() as node, RabbitBroker(node.amqp_url, publish_timeout_s=1.0) as broker:
        await broker.declare(Q)
        await node.ctl("set_vm_memory_high_watermark", "0.00001")
        with pytest.raises(PublishFailed, match="blocked by the broker: low on memory") as failure:
            await broker.publish(numbered(3))
        assert failure.value.unconfirmed == [0, 1, 2]
        assert broker.waiting_for == "blocked by the broker: low on memory"
        for _ in range(3):  # what is tried again meanwhile is not piled up for a broker that does not read
            with pytest.raises(PublishFailed, match="blocked by the broker"):
                await broker.publish(numbered(3))
        await node.ctl("set_vm_memory_high_watermark", "0.8")
        await wait_until(lambda: broker.waiting_for is None)
        await broker.publish(numbered(3))
        assert (await broker.depth("q")).messages == 6


async def test_what_is_not_read_stays_with_the_broker_and_costs_no_connection(amqp_vhost_url, wait_until, monkeypatch):
    """Longer than the heartbeats would allow."""
    taps = []

    def account(tap):
        taps.append(Inflow(tap, limit_bytes=1_000_000))
        return taps[-1]

    monkeypatch.setattr(transport, "Inflow", account)
    url = str(URL(amqp_vhost_url).update_query(heartbeat="1"))
    async with RabbitBroker(url) as broker:
        await broker.declare(Q)
        await broker.publish([Outgoing("", "q", bytes(200_000)) for _ in range(50)])
        async with broker.subscribe("q", prefetch=1_000) as subscription:
            await wait_until(lambda: any(tap._is_shut for tap in taps))
            until = asyncio.get_running_loop().time() + 5
            await wait_until(lambda: asyncio.get_running_loop().time() > until)
            assert max(tap._unread_bytes for tap in taps) < 2_000_000
            received = 0
            while received < 50:
                batch = await subscription.receive(7)
                assert not any(each.redelivered for each in batch)
                await subscription.settle((each, Verdict.ACK) for each in batch)
                received += len(batch)
        assert broker.reconnects == 0
        assert (await broker.depth("q")).messages == 0


async def test_leaving_a_broker_ends_what_it_started_even_without_its_connection(cable):
    """The cable's fixture looks for what is left."""
    async with RabbitBroker(cable.url) as broker:
        await broker.declare(Q)
        await broker.publish(numbered(1))
        async with broker.subscribe("q", prefetch=1), broker.inbox([]):
            cable.unplug()
