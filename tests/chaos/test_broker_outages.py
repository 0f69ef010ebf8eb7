"""The broker goes away, hangs, blocks or loses a queue: processes stay, say what they wait for, and go on."""

import aio_pika
import pytest

from topology.build import build
from topology.cluster import load_cluster
from warren.broker.rabbit import RabbitBroker

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(240)]
TASKS = 400
WORK = "warren.work.crew.work"


async def test_a_broken_connection_is_made_again_by_the_same_processes(settle_in, cable, amqp_vhost_url):
    async with settle_in(cable.url, client_url=amqp_vhost_url) as house:
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=10)
        for share in (1, 2):
            await house.done(handle, 100 * share)
            cable.cut_after_bytes = 5_000  # in the middle of something
        await house.done(handle, 250)
        cable.unplug()
        await house.all_say("connecting to 127.0.0.1")
        cable.plug_in()
        await house.end(handle, TASKS)
        await house.cluster.ready()
        assert house.cluster.pids == pids


@pytest.mark.endurance
async def test_a_connection_that_hangs_half_open_is_given_up_and_made_again(settle_in, cable, amqp_vhost_url):
    async with settle_in(cable.url, client_url=amqp_vhost_url) as house:
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=10)
        await house.done(handle, 100)
        cable.stall()
        await house.all_say("connecting to 127.0.0.1")
        cable.resume()
        await house.end(handle, TASKS)
        assert house.cluster.pids == pids


@pytest.mark.endurance
async def test_a_slow_line_only_takes_longer(settle_in, cable, amqp_vhost_url):
    cable.delay_s = 0.02
    async with settle_in(cable.url, client_url=amqp_vhost_url) as house:
        await house.end(await house.begin(TASKS), TASKS)


async def test_a_broker_that_is_killed_and_then_low_on_memory_is_waited_for(settle_in, node):
    async with settle_in(node.amqp_url) as house:
        pids = house.cluster.pids
        handle = await house.begin(TASKS, ms=150)  # enough for all that follows
        await house.done(handle, 100)
        await node.kill()
        await house.all_say("connecting to 127.0.0.1")
        await node.start()
        await house.done(handle, 200)
        await node.ctl("set_vm_memory_high_watermark", "0.00001")
        await house.all_say("blocked by the broker: low on memory", "worker crew")
        await node.ctl("set_vm_memory_high_watermark", "0.8")
        await house.end(handle, TASKS)
        assert house.cluster.pids == pids


async def test_a_queue_that_is_deleted_under_us_is_waited_for(settle_in, amqp_vhost_url):
    async with settle_in(amqp_vhost_url) as house, RabbitBroker(amqp_vhost_url) as broker:
        pids = house.cluster.pids
        await house.end(await house.begin(20), 20)
        await delete_queue(amqp_vhost_url, WORK)
        await house.says("worker crew", f"no queue '{WORK}'")
        handle = await house.begin(20)  # meanwhile its tasks reach no queue, and stay in the ledger
        await broker.declare(build(load_cluster(house.cluster.file)))
        await house.end(handle, 20)
        assert house.cluster.pids == pids


async def delete_queue(url, name):
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(name)
