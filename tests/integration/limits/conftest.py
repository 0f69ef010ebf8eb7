"""A real cluster that allows little, and clients that want much."""

import asyncio
import json
import os
import secrets
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aio_pika
import pytest
import pytest_asyncio

from topology import load_cluster
from topology.permissions import users
from topology.user_definitions import user_definitions
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.users import import_definitions
from warren.testing.cluster import RealCluster
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
LIMITED = "slow-shop"
HEARD_S = 40


class Caller:
    """A client without any library of ours: sends, and hears replies."""

    def __init__(self, channel, user=None):
        self.channel = channel
        self.user = user
        self.key = f"reply.{user or 'guest'}--{uuid4().hex[:8]}"
        self._heard = asyncio.Queue()

    async def listen(self):
        queue = await self.channel.declare_queue("", exclusive=True)
        await queue.bind(await self.channel.get_exchange("warren.replies", ensure=False), self.key)
        await queue.consume(self._heard.put, no_ack=True)

    async def send(self, body, key="project.any", reply_to=None):
        ingress = await self.channel.get_exchange("warren.ingress", ensure=False)
        data = json.dumps(body).encode()
        await ingress.publish(aio_pika.Message(data, reply_to=reply_to or self.key, user_id=self.user), key)

    async def answer(self):
        message = await asyncio.wait_for(self._heard.get(), HEARD_S)
        return json.loads(message.body)

    async def answers(self, kind, count):
        """That many answers of a kind; others are passed over."""
        found = []
        while len(found) < count:
            reply = await self.answer()
            if reply["answer"]["kind"] == kind:
                found.append(reply)
        return found

    @property
    def heard(self):
        return self._heard.qsize()


@asynccontextmanager
async def calling(url, user=None):
    async with await aio_pika.connect(url) as connection:
        caller = Caller(await connection.channel(), user)
        await caller.listen()
        yield caller


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(amqp_url, management, tmp_path_factory):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    if shutil.which("amqp-consume") is None:
        pytest.skip("amqp-consume is missing: apt-get install amqp-tools")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    async with RealCluster(folder / "cluster.yaml", in_vhost(amqp_url, vhost)) as cluster:
        await cluster.ready()
        yield cluster
        assert await cluster.not_alive() == []
    management.delete_vhost(vhost)


@pytest_asyncio.fixture(loop_scope="module")
async def caller(cluster):
    async with calling(cluster.amqp_url) as caller:
        yield caller


@pytest_asyncio.fixture(loop_scope="module")
async def limited(cluster, management):
    """A client whose broker user has limits of its own."""
    password, vhost = secrets.token_hex(8), urlsplit(cluster.amqp_url).path[1:]
    known = users(load_cluster(HERE / "cluster.yaml"), [LIMITED])
    document = user_definitions(
        [each for each in known if each.name == LIMITED], vhost, {LIMITED: password}, os.urandom
    )
    await import_definitions(management.url, cluster.amqp_url, document)
    parts = urlsplit(cluster.amqp_url)
    url = parts._replace(netloc=f"{LIMITED}:{password}@{parts.hostname}:{parts.port}").geturl()
    async with calling(url, LIMITED) as caller:
        yield caller
    management._call("DELETE", f"/api/users/{LIMITED}")


@pytest_asyncio.fixture(loop_scope="module")
async def admin(cluster):
    async with RabbitBroker(cluster.amqp_url, name="admin") as broker:
        yield broker
