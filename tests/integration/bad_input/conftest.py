"""A real cluster, and a stranger who writes to it with the programs of Debian's amqp-tools."""

import asyncio
import json
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import aio_pika
import pytest
import pytest_asyncio

from topology.names import INGRESS, REPLIES
from warren.broker.port import Verdict
from warren.broker.rabbit.broker import RabbitBroker
from warren.messages.codec import decode
from warren.messages.reply import Reply
from warren.testing.cluster import RealCluster
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
DEAD = "warren.dead.director"
QUEUES = (DEAD, "warren.dead.scouts", "warren.unroutable")
GOOD = {"playbook": "echo", "input": {"text": "hello"}}
HEARD_S = 60.0


@dataclass
class Published:
    """How amqp-publish ended."""

    code: int
    complaint: str


class Raw(str):
    """A text that goes over the wire as the bytes that it was made of, UTF-8 or not."""

    __slots__ = ()

    def encode(self, *_):
        return super().encode("latin-1")

    def __str__(self):
        return self

    @classmethod
    def of(cls, value):
        match value:
            case bytes():
                return cls(value.decode("latin-1"))
            case dict():
                return {cls.of(name): cls.of(part) for name, part in value.items()}
            case _:
                return value


@pytest.fixture(scope="module")
def vhost_url(amqp_url, management):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    yield in_vhost(amqp_url, vhost)
    management.delete_vhost(vhost)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(vhost_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__"))
    async with RealCluster(folder / "cluster.yaml", vhost_url) as cluster:
        await cluster.ready()
        yield cluster


class Stranger:
    """Writes with amqp-publish; reads its replies, and what was dead-lettered, on a connection of the test."""

    def __init__(self, url, broker, replies, key):
        self.url = url
        self.broker = broker
        self.key = key
        self._replies = replies

    async def send(self, body, *options, exchange=INGRESS, key="project.echo", reply_to=None):
        """Publish a body: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        address = [] if reply_to is False else ["--reply-to", reply_to or self.key]
        where = ["--url", self.url, "--exchange", exchange, "--routing-key", key, "--persistent"]
        process = await asyncio.create_subprocess_exec(
            "amqp-publish",
            *where,
            *address,
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, complaint = await process.communicate(data)
        return Published(process.returncode, complaint.decode(errors="replace"))

    async def reply(self):
        """The next reply: (answer, its AMQP properties)."""
        delivery = await self._next(self._replies, "a reply")
        return decode(Reply, delivery.body).answer, delivery.properties

    async def rejection(self):
        answer, _ = await self.reply()
        assert answer.kind == "rejected", answer
        return answer.error

    async def dead(self, queue=DEAD):
        """The next message in a dead-letter queue."""
        async with self.broker.subscribe(queue, prefetch=1) as letters:
            return await self._next(letters, f"a message in {queue}")

    async def refused(self, queue=DEAD):
        """(the error in the reply, the dead letter), which must tell the same."""
        error, letter = await self.rejection(), await self.dead(queue)
        assert letter.properties.headers["x-warren-error-code"] == error.code
        assert letter.properties.headers["x-warren-error-pointer"] == error.pointer
        return error, letter

    async def succeeds(self, project=None, beside=()):
        """A good project, now, gets its result; `beside` are kinds of replies to others that may come twice."""
        assert (await self.send(project or GOOD)).code == 0
        answers = {}
        while "finished" not in answers:
            answer, _ = await self.reply()
            assert answer.kind in {"accepted", "finished", *beside}, answer
            answers[answer.kind] = answer
        assert answers["finished"].outcome.status == "succeeded", answers["finished"]
        return answers["finished"].outcome.output

    async def forget(self, queue):
        """Whatever a test that failed has left, or what came twice."""
        while not await self.is_empty(queue):
            async with self.broker.subscribe(queue, prefetch=100) as letters:
                await letters.settle([(delivery, Verdict.ACK) for delivery in await letters.receive()])

    async def is_empty(self, queue):
        return (await self.broker.depth(queue)).messages == 0

    async def _next(self, subscription, what):
        try:
            async with asyncio.timeout(HEARD_S):
                delivery = (await subscription.receive(1))[0]
        except TimeoutError:
            pytest.fail(f"no sign of {what} within {HEARD_S:g} s", pytrace=False)
        await subscription.settle([(delivery, Verdict.ACK)])
        return delivery


@asynccontextmanager
async def meeting(cluster):
    """A stranger at a cluster, which must be as alive afterwards as it was before."""
    before = cluster.pids
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(RabbitBroker(cluster.amqp_url, name="stranger"))
        key = f"reply.{uuid4().hex}"
        replies = await stack.enter_async_context(broker.inbox([(REPLIES, key)]))
        stranger = Stranger(cluster.amqp_url, broker, replies, key)
        for queue in QUEUES:
            await stranger.forget(queue)
        yield stranger
        await stranger.succeeds()
        assert cluster.pids == before, "a process was started or ended"
        assert await cluster.not_alive() == []
        for queue in QUEUES:
            assert await stranger.is_empty(queue), f"there is more in {queue}"


@pytest.fixture
async def raw(cluster):
    """Publishes with any AMQP properties and waits for the broker's confirm: what amqp-publish has no option for."""
    async with await aio_pika.connect(cluster.amqp_url) as connection:
        channel = await connection.channel()

        async def publish(body, *, exchange=INGRESS, key="project.echo", **properties):
            target = await channel.get_exchange(exchange, ensure=False)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            fit = {name: Raw.of(value) for name, value in properties.items()}
            await target.publish(aio_pika.Message(data, **fit), key)

        yield publish


@pytest.fixture
async def stranger(cluster):
    if shutil.which("amqp-publish") is None:
        pytest.skip("amqp-publish is missing: apt-get install amqp-tools")
    async with meeting(cluster) as stranger:
        yield stranger
