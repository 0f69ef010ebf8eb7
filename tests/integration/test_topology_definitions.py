"""A broker takes the definitions file, and then holds what was declared."""

import base64
import json
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest

from topology import build, compare, definitions, live_topology, parse_cluster

Call = Callable[..., Any]


@pytest.fixture
def call(amqp_vhost_url, management) -> Call:
    """Ask the management API about the test's own virtual host."""
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = quote(unquote(urlsplit(amqp_vhost_url).path[1:]), safe="")
    token = base64.b64encode(f"{management.user}:{management.password}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}

    def ask(sort: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{management.url.rstrip('/')}/api/{sort}/{vhost}", data, headers)
        with urllib.request.urlopen(request, timeout=15) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    return ask


@pytest.mark.parametrize("profile", ["classic", "quorum"])
def test_a_broker_that_imported_the_definitions_has_no_drift(call: Call, profile: str):
    topology = build(parse_cluster(f"{{version: 1, profile: {profile}, teams: {{a: {{skills: {{b: }}}}}}}}", "-"))
    assert compare(topology, live_topology(call("definitions")))
    call("definitions", definitions(topology))
    assert compare(topology, live_topology(call("definitions"))) == []
    lists = {sort: call(sort) for sort in ("exchanges", "queues", "bindings")}
    assert compare(topology, live_topology(lists)) == []


def test_what_was_imported_for_another_cluster_file_is_drift(call: Call):
    here = build(parse_cluster("{version: 1, teams: {a: {skills: {b: }}}}", "-"))
    call("definitions", definitions(here))
    there = build(parse_cluster("{version: 1, profile: quorum, teams: {a: }}", "-"))
    lines = compare(there, live_topology(call("definitions")))
    assert "queue warren.work.a.b exists, but the cluster file has no use for it" in lines
    assert any("warren.projects: " in line and "x-queue-type is classic, wanted quorum" in line for line in lines)
