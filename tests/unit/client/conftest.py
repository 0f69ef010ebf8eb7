"""A director that does what a test tells it, at the other end of a memory broker."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from topology.build import build
from topology.cluster import parse_cluster
from topology.names import DIRECTOR_QUEUE, PROJECTS_QUEUE, REPLIES
from warren.broker.memory.broker import MemoryBroker
from warren.broker.memory.server import MemoryServer
from warren.broker.port import Outgoing, Properties, Verdict
from warren.client import Client
from warren.clock import SystemClock
from warren.errors import PublishFailed
from warren.messages.codec import decode, encode
from warren.messages.command import Command
from warren.messages.outcome import Cancelled, ErrorInfo, Succeeded
from warren.messages.project import Project
from warren.messages.query import Query
from warren.messages.reply import Accepted, Branch, Finished, Projects, Rejected, Reply, Status

CLUSTER = "{version: 1, teams: {scouts: {skills: {measure: {}}}}}"
MODELS = {model.TYPE: model for model in (Project, Command, Query)}


class Director:
    """Accepts projects, ends them when a test says so, and answers from what it noted."""

    def __init__(self, broker):
        self.broker = broker
        self.seen = []
        self.projects = {}
        self.outcomes = {}
        self.callers = {}
        self.refuse = None
        self.mute = False
        self.done = 0

    async def listen(self, queue):
        async with self.broker.subscribe(queue, prefetch=10) as subscription:
            while batch := await subscription.receive():
                for delivery in batch:
                    await self.take(delivery)
                await subscription.settle([(delivery, Verdict.ACK) for delivery in batch])

    async def take(self, delivery):
        message = decode(MODELS[delivery.properties.type], delivery.body)
        self.seen.append((delivery.routing_key, message, delivery.properties))
        if not self.mute:
            await self.reply(delivery.properties, self.answer(message, delivery.properties))

    def answer(self, message, properties):
        match message:
            case Project():
                return self.accept(message, properties)
            case Query(noun="projects"):
                return Projects(projects=[{"id": project} for project in list(self.projects)[: message.limit]])
            case _ if message.project not in self.projects:
                return Rejected(error=ErrorInfo(code="unknown_project", message=f"no project {message.project}"))
            case Query(noun="status"):
                return self.status(message.project)
            case Query(noun="result"):
                return self.finished(message.project) or self.status(message.project)
            case Command():
                self.outcomes.setdefault(message.project, Cancelled(reason=message.reason))
                return Accepted()

    def accept(self, project, properties):
        if self.refuse is not None:
            return Rejected(error=self.refuse)
        known = self.projects.setdefault(project.id, project)
        if known.input != project.input:
            return Rejected(error=ErrorInfo(code="id_conflict", message="that id is another project's", pointer="/id"))
        self.callers[project.id] = properties
        return Accepted(duplicate=known is not project)

    def status(self, project):
        outcome = self.outcomes.get(project)
        return Status(
            project=project,
            playbook=self.projects[project].playbook,
            status=outcome.status if outcome else "running",
            accepted_s=1.0,
            ended_s=2.0 if outcome else None,
            tree=[Branch(id=project, kind="project", status="running", total=10, done=self.done)],
        )

    def finished(self, project):
        outcome = self.outcomes.get(project)
        return outcome and Finished(outcome=outcome, accepted_s=1.0, ended_s=2.0)

    async def end(self, project, outcome=None, *, tell=True):
        self.outcomes[project] = outcome or Succeeded(output={"lines": 42})
        if tell:
            await self.reply(self.callers[project], self.finished(project))

    async def reply(self, properties, answer):
        body = encode(Reply(project=None, answer=answer))
        headers = {name: value for name, value in properties.headers.items() if name == "traceparent"}
        told = Properties(type=Reply.TYPE, correlation_id=properties.correlation_id, headers=headers)
        with suppress(PublishFailed):  # the client is gone, as clients go
            await self.broker.publish([Outgoing(REPLIES, properties.reply_to, body, told)])


class Cluster:
    """A memory broker with a director, to which clients may connect."""

    def __init__(self, server, clock, director):
        self.server, self.clock, self.director = server, clock, director
        self.broker = None  # the last client's

    @asynccontextmanager
    async def client(self, **settings):
        broker = self.broker = MemoryBroker(self.server)
        async with broker, Client(broker, clock=self.clock, **settings) as client:
            yield client


@asynccontextmanager
async def running_cluster(clock):
    async with MemoryServer(clock) as server, MemoryBroker(server) as broker, asyncio.TaskGroup() as group:
        await broker.declare(build(parse_cluster(CLUSTER, "cluster.yaml")))
        director = Director(broker)
        loops = [group.create_task(director.listen(queue)) for queue in (PROJECTS_QUEUE, DIRECTOR_QUEUE)]
        yield Cluster(server, clock, director)
        for loop in loops:
            loop.cancel()


@pytest.fixture
def cluster():
    """`async with cluster() as …`: in the test's own task, as task groups want it."""
    return lambda clock=None: running_cluster(clock or SystemClock())
