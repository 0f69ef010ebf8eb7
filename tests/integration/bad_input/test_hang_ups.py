"""A message because of which the broker hangs up costs nobody but its sender."""

import asyncio

import pytest

from warren.broker.port import Outgoing
from warren.broker.rabbit.broker import RabbitBroker
from warren.errors import PublishFailed

POISON = Outgoing("", "amq.rabbitmq.reply-to.AAAA.BBBB", b"x", mandatory=False)
GOOD = Outgoing("", "nowhere", b"x", mandatory=False)


@pytest.fixture
async def broker(amqp_vhost_url):
    async with RabbitBroker(amqp_vhost_url, publish_timeout_s=20) as broker:
        if not broker.server_version.startswith("3.10."):
            pytest.skip("other brokers do not hang up on a forged address")
        yield broker


async def test_the_message_is_found_and_all_others_are_taken(broker):
    batch = [GOOD] * 5
    batch[2] = POISON
    with pytest.raises(PublishFailed) as caught:
        await broker.publish(batch)
    assert (caught.value.refused, caught.value.unconfirmed, caught.value.unroutable) == ([2], [], [])
    assert "the broker hung up" in str(caught.value)
    await broker.publish([GOOD])


async def test_batches_beside_it_are_taken(broker):
    batches = [[GOOD] * 20, [GOOD, POISON], [GOOD] * 20, [POISON], [GOOD] * 300]
    results = await asyncio.gather(*(broker.publish(batch) for batch in batches), return_exceptions=True)
    assert [results[place] for place in (0, 2, 4)] == [None, None, None]
    assert [results[place].refused for place in (1, 3)] == [[1], [0]]
