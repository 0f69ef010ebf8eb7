"""A coordinator at its queues fails as a whole, and leaves in good order."""

import asyncio

import pytest

from topology.cluster import parse_cluster
from topology.declaration import Queue, Topology
from warren.broker.memory import MemoryBroker, MemoryServer
from warren.broker.port import Outgoing
from warren.clock import SystemClock
from warren.coordination.coordinator import Coordinator
from warren.coordination.intake import handled
from warren.coordination.parcel import Parcel
from warren.coordination.station import Station
from warren.errors import InvalidInput, QueueMissing
from warren.ledger.ledger import open_ledger
from warren.telemetry.telemetry import Telemetry

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "cluster.yaml")


@pytest.fixture
async def place():
    async with (
        MemoryServer(SystemClock()) as server,
        MemoryBroker(server) as broker,
        open_ledger("sqlite://", inline=True) as ledger,
        asyncio.timeout(20),
    ):
        queues = tuple(Queue(name, {"x-queue-type": "classic"}) for name in ("in", "other", "out"))
        await broker.declare(Topology(queues=queues))
        coordinator = Coordinator(broker, ledger, SystemClock(), CLUSTER, Telemetry.silent("director"))

        def station(handle, queues=("in", "other")):
            return Station(broker, coordinator, dict.fromkeys(queues, handle), {})

        yield broker, station


async def test_a_failing_intake_fails_the_whole_process(place):
    broker, station = place
    await broker.publish([Outgoing("", "in", b"1")])

    async def handle(batch):
        raise QueueMissing("nothing can be done")

    with pytest.raises(ExceptionGroup) as caught:
        await station(handle).run()
    assert caught.group_contains(QueueMissing)
    assert (await broker.depth("in")).messages == 1
    assert (await broker.depth("other")).consumers == 0


async def test_it_waits_until_it_consumes_every_queue(place, wait_until):
    """Who is called ready before may be all that is left after a rolling update, and take nothing in."""
    _, station = place
    at_work = station(handle_nothing)
    assert at_work.waiting_for == "it does not consume in yet"
    async with asyncio.TaskGroup() as group:
        running = group.create_task(at_work.run())
        await wait_until(lambda: at_work.waiting_for is None)
        running.cancel()


async def test_a_queue_that_is_gone_is_what_it_waits_for(place):
    _, station = place
    at_work = station(handle_nothing, ("in", "gone"))
    with pytest.raises(QueueMissing):
        await at_work.run()
    assert at_work.waiting_for == "it does not consume gone yet"


async def handle_nothing(batch):
    return []


async def test_draining_finishes_what_is_in_hand_and_gives_back_the_rest(place, wait_until):
    broker, station = place
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handle(batch):
        begun.set()
        await go_on.wait()
        return [Parcel(Outgoing("", "out", each.body)) for each in batch]

    at_work = station(handle)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(at_work.run())
        await wait_until(lambda: at_work._subscriptions[1:])
        await broker.publish([Outgoing("", "in", b"1")])
        await begun.wait()
        draining = group.create_task(at_work.drain())
        await asyncio.sleep(0)
        await broker.publish([Outgoing("", "in", b"2")])
        assert not running.done()
        go_on.set()
        await draining
        await running
    assert (await broker.depth("out")).messages == 1
    assert (await broker.depth("in")).messages == 1


async def test_what_the_ledger_cannot_store_is_dead_lettered_and_the_rest_goes_on(place):
    broker, _ = place
    await broker.publish([Outgoing("", "in", body) for body in (b"1", b"bad", b"3")])

    async def handle(batch):
        if any(each.body == b"bad" for each in batch):
            raise InvalidInput("not_storable", "no ledger can hold it")
        return [Parcel(Outgoing("", "out", each.body)) for each in batch]

    async with broker.subscribe("in", prefetch=10) as subscription:
        batch = await subscription.receive()
        parcels = await handled(handle, batch)
    assert [parcel.message.body for parcel in parcels] == [b"1", b"bad", b"3"]
    assert parcels[1].message.properties.headers["x-warren-error-code"] == "not_storable"
    assert parcels[1].buries is batch[1]
