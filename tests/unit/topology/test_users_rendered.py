"""Users as definitions and as resources of the Messaging Topology Operator, beside their golden files.

Refresh them with `WARREN_REFRESH_GOLDEN=1 pytest tests/unit/topology` and read the difference.
"""

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from topology import Cluster, build, definitions
from topology.operator_resources import Place, kubernetes_name, operator_resources, operator_yaml, secret_of
from topology.permissions import users
from topology.user_definitions import password_hash, user_definitions, user_definitions_json

REFRESH = "WARREN_REFRESH_GOLDEN"
PUBLISHERS = ("acme",)
PLACE = Place("warren-rabbitmq", "warren")
OBJECT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def check(file: Path, content: str) -> None:
    if os.environ.get(REFRESH):
        file.write_text(content, encoding="utf-8")
    current = file.read_text(encoding="utf-8") if file.exists() else ""
    assert content == current, f"{file} is stale: run this test with {REFRESH}=1 and read the difference"


def test_the_users_are_as_their_golden_file(golden: Path, cluster: Cluster):
    check(golden / "users.definitions.json", user_definitions_json(users(cluster, PUBLISHERS), "warren"))


def test_the_operators_resources_are_as_their_golden_file(golden: Path, cluster: Cluster):
    quorum = cluster.model_copy(update={"profile": "quorum"})
    check(golden / "quorum.operator.yaml", operator_yaml(build(quorum), users(quorum, PUBLISHERS), PLACE))


def test_what_is_kept_in_files_holds_no_password(cluster: Cluster):
    document = user_definitions(users(cluster, PUBLISHERS), "warren")
    assert {user["password_hash"] for user in document["users"]} == {""}


def test_a_password_is_hashed_with_a_salt_of_its_own(cluster: Cluster):
    known = users(cluster)
    salts = iter(range(1, 100))
    document = user_definitions(
        known, "/", {user.name: "the same" for user in known}, lambda size: bytes([next(salts)] * size)
    )
    hashes = [user["password_hash"] for user in document["users"]]
    assert len(set(hashes)) == len(known)
    assert hashes[0] == password_hash("the same", b"\1\1\1\1")
    assert "the same" not in json.dumps(document)


def test_a_user_without_a_password_is_an_error(cluster: Cluster):
    with pytest.raises(KeyError, match="warren-director"):
        user_definitions(users(cluster), "/", {}, lambda size: b"\0" * size)


def test_the_operator_makes_what_the_definitions_hold(cluster: Cluster):
    resources = operator_resources(build(cluster), users(cluster, PUBLISHERS), PLACE)
    wanted = {**definitions(build(cluster), "warren"), **user_definitions(users(cluster, PUBLISHERS), "warren")}

    def of(kind: str):
        return [resource["spec"] for resource in resources if resource["kind"] == kind]

    queues = {queue["name"]: {"x-queue-type": queue["type"], **queue.get("arguments", {})} for queue in of("Queue")}
    assert queues == {queue["name"]: queue["arguments"] for queue in wanted["queues"]}
    exchanges = {exchange["name"]: (exchange["type"], exchange.get("arguments", {})) for exchange in of("Exchange")}
    assert exchanges == {
        exchange["name"]: (exchange["type"], exchange["arguments"]) for exchange in wanted["exchanges"]
    }
    routes = sorted((b["source"], b["destination"], b["destinationType"], b["routingKey"]) for b in of("Binding"))
    assert routes == sorted(
        (b["source"], b["destination"], b["destination_type"], b["routing_key"]) for b in wanted["bindings"]
    )
    rights = [
        tuple(right["permissions"][sort] for sort in ("configure", "write", "read")) for right in of("Permission")
    ]
    assert rights == [(p["configure"], p["write"], p["read"]) for p in wanted["permissions"]]
    topics = [
        tuple(right["permissions"][sort] for sort in ("exchange", "write", "read")) for right in of("TopicPermission")
    ]
    assert topics == [(p["exchange"], p["write"], p["read"]) for p in wanted["topic_permissions"]]
    assert [user.get("tags", []) for user in of("User")] == [user["tags"] for user in wanted["users"]]
    assert {spec.get("vhost", "warren") for kind in ("Queue", "Exchange", "Permission") for spec in of(kind)} == {
        "warren"
    }


def test_every_resource_has_a_name_of_its_own_that_kubernetes_takes(cluster: Cluster):
    resources = operator_resources(build(cluster), users(cluster, PUBLISHERS), PLACE)
    named = [(resource["kind"], resource["metadata"]["name"]) for resource in resources]
    assert len(set(named)) == len(named)
    assert [name for _, name in named if not OBJECT_NAME.fullmatch(name) or len(name) > 253] == []


@pytest.mark.parametrize("name", ["a_b", "-a", "a-", "_", "a..b", "A", "a.-b", "x" * 300])
def test_a_name_that_kubernetes_does_not_take_is_changed_into_one_of_its_own(name: str):
    changed = kubernetes_name(name)
    assert OBJECT_NAME.fullmatch(changed)
    assert len(changed) <= 253
    assert changed == kubernetes_name(name)
    assert len({kubernetes_name(each) for each in (name, f"{name}_", f"{name}-", f"{name}.")}) == 4


def test_secrets_are_named_and_never_written(cluster: Cluster):
    text = operator_yaml(build(cluster), users(cluster, PUBLISHERS), PLACE)
    secrets = {
        document["spec"]["importCredentialsSecret"]["name"]
        for document in yaml.safe_load_all(text)
        if document["kind"] == "User"
    }
    assert secrets == {secret_of(user.name) for user in users(cluster, PUBLISHERS)}
    assert "password" not in text.lower()
