"""The trace in a real Jaeger is the one that the ledger tells. `make test-jaeger` runs this; it may take a build."""

import asyncio
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest
import pytest_asyncio

from warren.telemetry.context import trace_id_of
from warren.testing.patience import wait_until
from warren.testing.services.jaeger import Ports, jaeger

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif("WARREN_TEST_JAEGER" not in os.environ, reason="make test-jaeger runs it"),
]

PLAN = {
    "kind": "parallel",
    "on_error": "continue",
    "branches": {
        "moody": {
            "kind": "delegate",
            "team": "scouts",
            "plan": {"kind": "call", "skill": "moody", "input": {"n": "`7`"}},
        },
        "lost": {
            "kind": "delegate",
            "team": "scouts",
            "plan": {"kind": "call", "skill": "hopeless", "input": {"n": "`1`"}},
        },
    },
}


@pytest.fixture(scope="module")
def running():
    with jaeger(Ports.free()) as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector(running):
    """In place of the collector that other tests use: where the cluster of this module sends its spans."""

    class There:
        def environment(self, _protocol):
            return {"OTEL_EXPORTER_OTLP_ENDPOINT": running.endpoint, "OTEL_METRICS_EXPORTER": "none"}

    return There()


@pytest.fixture
def ask(running):
    def get(path, **query):
        address = f"{running.url}/api/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError:
            return []

    return lambda path, **query: asyncio.to_thread(get, path, **query)


@pytest.fixture
def told(cluster):
    """The spans that `warren trace` makes of the ledger."""

    async def tell(project):
        command = ("-m", "warren.cli", "trace", project, "--json", "--ledger-url", cluster.ledger_url)
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        return json.loads((await process.communicate())[0])

    return tell


def seen(trace):
    """By id: (name, parent, service, start and length in µs, is an error)."""
    services = {key: process["serviceName"] for key, process in trace["processes"].items()}
    found = {}
    for span in trace["spans"]:
        parents = [one["spanID"] for one in span["references"] if one["refType"] == "CHILD_OF"]
        failed = any(tag["key"] == "error" and tag["value"] is True for tag in span["tags"])
        times = (span["startTime"], span["duration"])
        found[span["spanID"]] = (span["operationName"], "".join(parents), services[span["processID"]], *times, failed)
    return found


def expected(span):
    start, end = round(span["start_s"] * 1e6), round(span["end_s"] * 1e6)
    service = f"warren-{span['service']['role']}"
    return (span["name"], span["parent_id"], service, start, end - start, span["error"] is not None)


async def test_jaeger_shows_the_tree_that_the_ledger_tells(client, ask, told):
    handle = await client.submit(plan=PLAN, input={})
    await handle.result()
    ledger = {span["span_id"]: expected(span) for span in await told(handle.id)}

    async def is_whole():
        traces = await ask(f"traces/{trace_id_of(handle.id)}")
        return traces and len(traces[0]["spans"]) >= len(ledger) and traces[0]

    trace = await wait_until(is_whole, timeout_s=30)
    assert not [span for span in trace["spans"] if span["warnings"]]
    assert len(trace["spans"]) == len(ledger)
    assert seen(trace) == ledger


async def test_a_project_is_found_by_its_id(client, ask):
    handle = await client.submit(plan=PLAN, input={})
    await handle.result()
    query = {"service": "warren-director", "tags": json.dumps({"warren.project.id": handle.id})}
    found = await wait_until(lambda: ask("traces", **query), timeout_s=30)
    assert [trace["traceID"] for trace in found] == [trace_id_of(handle.id)]
