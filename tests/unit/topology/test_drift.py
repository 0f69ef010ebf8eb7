from typing import Any

import pytest

from topology import Topology, build, compare, definitions, live_topology, parse_cluster

DECLARED: Topology = build(parse_cluster("{version: 1, teams: {scouts: {skills: {measure: {}}}}}", "-"))


@pytest.fixture
def held() -> dict[str, Any]:
    """What a broker that holds exactly the declared topology would report; tests change it."""
    return definitions(DECLARED)


def drift(held: dict[str, Any]) -> list[str]:
    return compare(DECLARED, live_topology(held))


def entry(held: dict[str, Any], sort: str, name: str) -> dict[str, Any]:
    return next(item for item in held[sort] if item["name"] == name)


def test_a_broker_that_holds_what_is_declared_has_no_drift(held):
    assert drift(held) == []


def test_an_empty_broker_lacks_everything():
    lines = drift({"exchanges": [], "queues": [], "bindings": []})
    parts = (*DECLARED.exchanges, *DECLARED.queues, *DECLARED.bindings)
    assert len(lines) == len(parts)
    assert all(line.endswith("is missing") for line in lines)
    assert "binding of queue warren.lead.scouts to exchange warren.tasks with key 'assign.scouts' is missing" in lines


def test_every_argument_that_differs_is_named_with_both_values(held):
    entry(held, "queues", "warren.work.scouts.measure")["arguments"] |= {"x-max-priority": 5, "x-max-length": 10}
    del entry(held, "queues", "warren.work.scouts.measure")["arguments"]["x-dead-letter-exchange"]
    assert drift(held) == [
        (
            "queue warren.work.scouts.measure: x-dead-letter-exchange is not set, wanted warren.dead; "
            "x-max-length is 10, wanted not set; x-max-priority is 5, wanted 9"
        )
    ]


def test_an_exchange_of_another_type_or_without_its_alternate_is_named(held):
    ingress = entry(held, "exchanges", "warren.ingress")
    ingress |= {"type": "direct", "durable": False, "arguments": {}}
    assert drift(held) == [
        (
            "exchange warren.ingress: alternate-exchange is not set, wanted warren.unroutable; "
            "durable is false, wanted true; type is direct, wanted topic"
        )
    ]


def test_what_carries_our_prefix_and_is_not_declared_is_named(held):
    held["queues"].append({"name": "warren.work.scouts.old", "durable": True, "arguments": {"x-queue-type": "classic"}})
    held["exchanges"].append({"name": "warren.old", "type": "topic", "durable": True, "arguments": {}})
    held["bindings"].append(binding("warren.dead", "warren.dead.scouts", "work.scouts.old"))
    assert drift(held) == [
        "exchange warren.old exists, but the cluster file has no use for it",
        "queue warren.work.scouts.old exists, but the cluster file has no use for it",
        (
            "binding of queue warren.dead.scouts to exchange warren.dead with key 'work.scouts.old' exists, "
            "but the cluster file has no use for it"
        ),
    ]


def test_what_others_and_the_broker_itself_add_is_no_drift(held):
    held["exchanges"] += [{"name": "", "type": "direct"}, {"name": "amq.topic", "type": "topic"}]
    held["exchanges"].append({"name": "shop", "type": "headers"})
    held["queues"].append({"name": "shop.audit", "durable": True, "arguments": {}})
    held["queues"].append({"name": "warren.inbox.1", "durable": False, "exclusive": True, "arguments": {}})
    held["bindings"].append(binding("warren.events", "shop.audit", "#"))
    held["bindings"].append(binding("warren.control", "warren.inbox.1", "all"))
    held["bindings"].append(binding("", "warren.projects", "warren.projects"))
    assert drift(held) == []


def test_a_missing_binding_between_exchanges_is_named_as_such(held):
    held["bindings"] = [item for item in held["bindings"] if item["destination"] != "warren.retry.3"]
    from_above, from_the_top, from_its_level = sorted(drift(held))
    assert from_above.startswith("binding of exchange warren.retry.3 to exchange warren.retry.4 with key '*.")
    assert from_the_top.startswith("binding of queue warren.retry.3 to exchange warren.retry.15 with key '3.")
    assert from_its_level.startswith("binding of queue warren.retry.3 to exchange warren.retry.3 with key '*.")


def binding(source: str, destination: str, key: str) -> dict[str, Any]:
    return {"source": source, "destination": destination, "destination_type": "queue", "routing_key": key}
