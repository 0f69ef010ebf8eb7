"""What the fixtures of conftest.py promise to the other tests."""

import socket
from urllib.parse import unquote, urlsplit

import aio_pika
import asyncpg
import pytest

seen = set()


@pytest.mark.parametrize("turn", [1, 2])
async def test_every_test_gets_a_virtual_host_of_its_own(amqp_vhost_url, management, turn):
    if management is None:
        pytest.skip("the management API of this broker is not known: set WARREN_TEST_MANAGEMENT_URLS")
    assert unquote(urlsplit(amqp_vhost_url).path[1:]) not in seen
    seen.add(unquote(urlsplit(amqp_vhost_url).path[1:]))
    async with await aio_pika.connect(amqp_vhost_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue("inbox", durable=True)
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), "inbox")
        assert (await queue.get()).body == b"hello"


async def test_the_shared_virtual_host_can_be_used_too(amqp_url):
    async with await aio_pika.connect(amqp_url) as connection:
        assert not connection.is_closed


@pytest.mark.parametrize("turn", [1, 2])
async def test_every_test_gets_an_empty_database(postgres_database_url, turn):
    connection = await asyncpg.connect(postgres_database_url.replace("+asyncpg", ""))
    try:
        await connection.execute("CREATE TABLE mine (id int)")
    finally:
        await connection.close()


def test_a_plain_test_may_use_a_database(postgres_database_url):
    parts = urlsplit(postgres_database_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5):
        assert parts.scheme == "postgresql+asyncpg"
