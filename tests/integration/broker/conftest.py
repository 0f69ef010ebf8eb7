"""A cable that can be cut, and a node that can be killed."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from warren.broker.rabbit import PrivateNode, RabbitBroker
from warren.broker.rabbit.node import find_server
from warren.errors import BrokerUnavailable
from warren.testing.cable import Cable


def left_behind():
    """Tasks of the adapter, or of aiormq below it, that still run."""
    return [task for task in asyncio.all_tasks() if "aiormq" in repr(task) or "/warren/" in repr(task)]


@pytest.fixture
async def cable(amqp_vhost_url):
    async with Cable(amqp_vhost_url) as cable:
        yield cable
    assert left_behind() == []


@pytest.fixture
async def broker(amqp_vhost_url):
    """A broker straight, and a look whether it leaves anything running."""
    async with RabbitBroker(amqp_vhost_url) as broker:
        yield broker
    assert left_behind() == []


@pytest.fixture
def server():
    """Skips where no rabbitmq-server is installed."""
    try:
        return find_server()
    except BrokerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def private_node(server, tmp_path):
    """Starts a throwaway node."""

    @asynccontextmanager
    async def start():
        async with PrivateNode(tmp_path / "node", fast=True) as node:
            yield node

    return start
