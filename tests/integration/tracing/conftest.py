"""A real cluster that tells a real collector what it does."""

import asyncio
import json
import re
import shutil
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from topology.names import INGRESS
from warren.broker.port import Outgoing, Properties
from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.errors import UnknownProject
from warren.telemetry import contract
from warren.telemetry.context import trace_id_of
from warren.testing.cluster import RealCluster
from warren.testing.otlp import Collector
from warren.testing.patience import wait_until
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
CHILDREN = 40
"""Of a large fan-out that have spans."""
OF_HANDLERS = {"think"}
PATTERNS = {one.name: re.compile(re.sub(r"\\{\w+\\}", r"\\S+", re.escape(one.name))) for one in contract.SPANS}


@pytest.fixture(scope="module")
def vhost_url(amqp_url, management):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    yield in_vhost(amqp_url, vhost)
    management.delete_vhost(vhost)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector():
    async with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def protocol(request):
    """How the module's cluster talks to the collector."""
    return getattr(request.module, "PROTOCOL", "http/protobuf")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(vhost_url, collector, protocol, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(
        HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("test_*", "conftest*", "__pycache__")
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in collector.environment(protocol).items():
            patch.setenv(name, value)
        patch.setenv("WARREN_TRACE_CHILDREN", str(CHILDREN))
        async with RealCluster(folder / "cluster.yaml", vhost_url) as cluster:
            await cluster.ready()
            yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def client(cluster):
    async with Client(cluster.amqp_url) as client:
        yield client


def keep_to_the_contract(span):
    """A span of ours has no attribute and no event that the contract does not know."""
    if span.name in OF_HANDLERS:
        return
    shape = next(one for one in contract.SPANS if PATTERNS[one.name].fullmatch(span.name))
    assert (span.kind, span.attributes.keys() - {one.name for one in shape.attributes}) == (shape.kind.value, set())
    events = {event.name: {one.name for one in event.attributes} for event in shape.events}
    for name, _, attributes in span.events:
        assert attributes.keys() <= events[name]


@pytest.fixture
def whole_trace(collector):
    """Waits until the root of a project's trace has come in, with all that is to be below it; returns the trace."""

    async def wait(project, *, spans, trace_id=None, parent=""):
        trace_id = trace_id or trace_id_of(project)
        await collector.has(lambda _: len(collector.trace(trace_id).spans) >= spans)
        trace = collector.trace(trace_id)
        trace.check(parent)
        for span in trace.spans:
            keep_to_the_contract(span)
        return trace

    return wait


@pytest_asyncio.fixture(loop_scope="module")
async def publish(cluster):
    """Publishes a project as a program does that knows nothing of Warren but its exchange and its JSON."""
    async with RabbitBroker(cluster.amqp_url, name="stranger") as broker:

        async def send(project, headers=None, skill="double"):
            plan = {
                "kind": "delegate",
                "team": "scouts",
                "plan": {"kind": "call", "skill": skill, "input": {"n": "input.n"}},
            }
            body = json.dumps({"id": project, "plan": plan, "input": {"n": 1}}).encode()
            await broker.publish([Outgoing(INGRESS, "project.plan", body, Properties(headers=headers or {}))])

        yield send


@pytest.fixture
def result_of(client):
    async def wait(project):
        async def known():
            try:
                return await client.project(project).status()
            except UnknownProject:
                return None

        await wait_until(known, timeout_s=20)
        return await client.project(project).result()

    return wait


@pytest.fixture
def page_of(cluster):
    def read(name):
        with urllib.request.urlopen(f"{cluster.members[name].health_url}/metrics", timeout=10) as answer:
            return answer.read().decode()

    async def page(name):
        return await asyncio.to_thread(read, name)

    return page
