"""Three ways to a result (by reply_to, by event, by query), with a client library that is not ours."""

import asyncio
import json
import os
import secrets
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aio_pika
import pytest
import pytest_asyncio

from topology.user import SERVER_NAMED, TopicRight, User
from topology.user_definitions import user_definitions
from warren.broker.rabbit.users import import_definitions

HEARD_S = 30
PROJECT = {"playbook": "welcome", "input": {"guests": ["Ada"]}}
OUTPUT = {"items": [{"greeting": "Hello, Ada!"}]}
ATTRIBUTES = {"specversion": "1.0", "source": "/shop/orders", "type": "warren.project.submit"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Desk:
    """A channel, and what was heard on it."""

    def __init__(self, channel):
        self.channel = channel
        self._heard = asyncio.Queue()

    async def listen(self, exchange, key, **arguments):
        queue = await self.channel.declare_queue("", exclusive=True, arguments=arguments)
        await queue.bind(await self.channel.get_exchange(exchange, ensure=False), key)
        await queue.consume(self._heard.put, no_ack=True)

    async def listen_directly(self):
        queue = await self.channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await queue.consume(self._heard.put, no_ack=True)

    async def send(self, body, key="project.welcome", **properties):
        properties = {"content_type": "application/json", **properties}
        ingress = await self.channel.get_exchange("warren.ingress", ensure=False)
        await ingress.publish(aio_pika.Message(json.dumps(body).encode(), **properties), key)

    async def hear(self):
        message = await asyncio.wait_for(self._heard.get(), HEARD_S)
        return json.loads(message.body), message

    async def answer(self, kind):
        """The next answer of that kind; there may be others before."""
        while True:
            reply, message = await self.hear()
            if reply["answer"]["kind"] == kind:
                return reply["answer"], message
            assert reply["answer"]["kind"] == "accepted", reply


@asynccontextmanager
async def desk_of(url):
    async with await aio_pika.connect(url) as connection:
        yield Desk(await connection.channel())


@pytest_asyncio.fixture(loop_scope="module")
async def desk(site):
    async with desk_of(site.url) as desk:
        yield desk


@pytest_asyncio.fixture(loop_scope="module")
async def observer(site, management):
    """The user that docs/publishing.md describes for who listens to events."""
    name, password = f"observer-{uuid4().hex[:8]}", secrets.token_hex(8)
    vhost = unquote(urlsplit(site.admin_url).path[1:])
    rights = User(
        name,
        configure=f"^{SERVER_NAMED}$",
        write=f"^{SERVER_NAMED}$",
        read=rf"^(warren\.events|{SERVER_NAMED})$",
        topics=(TopicRight("warren.events", read=r"^project\..*$"),),
    )
    document = user_definitions([rights], vhost, {name: password}, os.urandom)
    await import_definitions(management.url, site.admin_url, document)
    parts = urlsplit(site.admin_url)
    async with desk_of(parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}").geturl()) as desk:
        yield desk
    management._call("DELETE", f"/api/users/{name}")


async def listening(site, desk):
    reply_to = f"reply.{site.publisher}--{uuid4().hex[:8]}"
    await desk.listen("warren.replies", reply_to)
    return reply_to


async def test_a_result_by_reply_to(site, desk):
    reply_to = await listening(site, desk)
    await desk.send(PROJECT, reply_to=reply_to, correlation_id="order 7")
    accepted, first = await desk.hear()
    finished, second = await desk.answer("finished")
    assert accepted["answer"] == {"kind": "accepted", "duplicate": False}
    assert finished["outcome"] == {"status": "succeeded", "output": OUTPUT}
    assert finished["accepted_s"] <= finished["ended_s"]
    assert {first.correlation_id, second.correlation_id} == {"order 7"}
    assert {first.type, second.type} == {"warren.reply.v1"}


async def test_a_result_by_a_reply_to_in_the_body(site, desk):
    reply_to = await listening(site, desk)
    await desk.send({**PROJECT, "reply_to": reply_to})
    finished, _ = await desk.answer("finished")
    assert finished["outcome"]["output"] == OUTPUT


async def test_a_result_by_amqps_direct_reply_to(desk):
    await desk.listen_directly()
    await desk.send(PROJECT, reply_to="amq.rabbitmq.reply-to", correlation_id="mine")
    finished, message = await desk.answer("finished")
    assert (finished["outcome"]["output"], message.correlation_id) == (OUTPUT, "mine")


async def test_a_result_by_event_and_then_by_query(site, desk, observer):
    project = str(uuid4())
    await observer.listen("warren.events", "project.*")
    await desk.send({"id": project, **PROJECT})
    statuses = []
    while statuses[-1:] != ["succeeded"]:
        event, message = await observer.hear()
        if event["subject"] == project:
            assert (event["specversion"], event["type"]) == ("1.0", f"warren.project.{event['data']['status']}")
            assert message.routing_key == f"project.{event['data']['status']}"
            statuses.append(event["data"]["status"])
    assert statuses == ["accepted", "succeeded"]
    reply_to = await listening(site, desk)
    await desk.send({"noun": "result", "project": project}, key="query.result", reply_to=reply_to)
    finished, _ = await desk.answer("finished")
    assert finished["outcome"] == {"status": "succeeded", "output": OUTPUT}


async def test_where_a_project_stands_by_query(site, desk):
    project = str(uuid4())
    reply_to = await listening(site, desk)
    await desk.send({"id": project, **PROJECT}, reply_to=reply_to)
    await desk.answer("finished")
    await desk.send({"noun": "status", "project": project}, key="query.status", reply_to=reply_to, correlation_id="q")
    status, message = await desk.answer("status")
    assert (status["project"], status["status"], message.correlation_id) == (project, "succeeded", "q")
    await desk.send({"noun": "projects", "limit": 200}, key="query.projects", reply_to=reply_to)
    projects, _ = await desk.answer("projects")
    assert project in {each["id"] for each in projects["projects"]}


async def test_a_structured_cloud_event_sent_twice_is_one_project(site, desk):
    reply_to = await listening(site, desk)
    event = {**ATTRIBUTES, "id": uuid4().hex, "data": {**PROJECT, "reply_to": reply_to}}
    await desk.send(event, content_type="application/cloudevents+json")
    finished, _ = await desk.answer("finished")
    assert finished["outcome"]["output"] == OUTPUT
    await desk.send(event, content_type="application/cloudevents+json")
    again, _ = await desk.hear()
    assert again["answer"] == {"kind": "accepted", "duplicate": True}
    assert (await desk.answer("finished"))[0] == finished


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-", "ce_"])
async def test_a_binary_cloud_event_sent_twice_is_one_project(site, desk, prefix):
    reply_to = await listening(site, desk)
    headers = {prefix + name: value for name, value in {**ATTRIBUTES, "id": uuid4().hex}.items()}
    await desk.send(PROJECT, headers=headers, reply_to=reply_to)
    finished, _ = await desk.answer("finished")
    await desk.send(PROJECT, headers=headers, reply_to=reply_to)
    again, _ = await desk.hear()
    assert again["answer"]["duplicate"]
    assert (await desk.answer("finished"))[0] == finished


async def test_an_event_of_another_type_is_refused_with_the_place(site, desk, admin):
    reply_to = await listening(site, desk)
    event = {**ATTRIBUTES, "id": "1", "type": "com.example.order", "data": {**PROJECT, "reply_to": reply_to}}
    await desk.send(event, content_type="application/cloudevents+json")
    rejected, _ = await desk.answer("rejected")
    assert (rejected["error"]["code"], rejected["error"]["pointer"]) == ("cloud_event_invalid", "/type")
    assert (await admin.depth("warren.dead.director")).messages > 0
