"""The topology and its users as resources of the Messaging Topology Operator, for Kubernetes.

Passwords are never among them: each user's name and password are in a Secret that somebody makes beforehand.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from topology.declaration import Binding, Exchange, Queue, Topology
from topology.user import TopicRight, User

API_VERSION: Final = "rabbitmq.com/v1beta1"
MAX_NAME: Final = 200
HEAD: Final = "# Rendered from cluster.yaml. Do not edit: change cluster.yaml and render again.\n"
Resource = dict[str, Any]

_PLAIN_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Place:
    """The RabbitmqCluster and the vhost in it."""

    rabbitmq: str
    vhost: str


def operator_resources(topology: Topology, users: Iterable[User], place: Place) -> list[Resource]:
    """Everything in one vhost, in an order in which it can be made."""
    return [
        _vhost(place),
        *(_exchange(exchange, place) for exchange in topology.exchanges),
        *(_queue(queue, place) for queue in topology.queues),
        *(_binding(binding, place) for binding in topology.bindings),
        *(resource for user in users for resource in _user(user, place)),
    ]


def operator_yaml(topology: Topology, users: Iterable[User], place: Place) -> str:
    """The same as a file."""
    return HEAD + yaml.safe_dump_all(operator_resources(topology, users, place), sort_keys=False, width=120)


def secret_of(user: str) -> str:
    """The name of the Secret that holds a user's `username` and `password`."""
    return f"{kubernetes_name(user)}-broker"


def kubernetes_name(name: str) -> str:
    """A name as Kubernetes takes it: the same for the same, and different for different ones.

    >>> kubernetes_name("warren.work.scouts.measure")
    'warren.work.scouts.measure'
    """
    if _PLAIN_NAME.fullmatch(name) and len(name) <= MAX_NAME:
        return name
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_NAME]
    return f"{plain}-{_digest(name)}".lstrip("-")


def _vhost(place: Place) -> Resource:
    return _resource("Vhost", "vhost", place, {"name": place.vhost}, within_vhost=False)


def _exchange(exchange: Exchange, place: Place) -> Resource:
    spec: Resource = {"name": exchange.name, "type": exchange.kind, "durable": True, "autoDelete": False}
    if exchange.arguments:
        spec["arguments"] = dict(exchange.arguments)
    return _resource("Exchange", exchange.name, place, spec)


def _queue(queue: Queue, place: Place) -> Resource:
    kind = queue.arguments["x-queue-type"]
    # the operator sends `type` as x-queue-type
    rest = {name: value for name, value in queue.arguments.items() if name != "x-queue-type"}
    # a resource that is deleted by mistake must not take the messages with it
    spec = {"name": queue.name, "type": kind, "durable": True, "autoDelete": False, "deletionPolicy": "retain"}
    return _resource("Queue", queue.name, place, {**spec, "arguments": rest} if rest else spec)


def _binding(binding: Binding, place: Place) -> Resource:
    spec = {
        "source": binding.source,
        "destination": binding.destination,
        "destinationType": binding.destination_kind,
        "routingKey": binding.routing_key,
    }
    route = f"{binding.source} {binding.destination_kind} {binding.destination} {binding.routing_key}"
    name = f"{kubernetes_name(binding.destination)}-{_digest(route)}"
    return _resource("Binding", name, place, spec)


def _user(user: User, place: Place) -> list[Resource]:
    name = kubernetes_name(user.name)
    spec: Resource = {"importCredentialsSecret": {"name": secret_of(user.name)}}
    if user.tags:
        spec["tags"] = list(user.tags)
    rights = {"configure": user.configure, "write": user.write, "read": user.read}
    whose = {"userReference": {"name": name}}
    return [
        _resource("User", name, place, spec, within_vhost=False),
        _resource("Permission", name, place, {**whose, "permissions": rights}),
        *(_topic(topic, name, whose, place) for topic in user.topics),
    ]


def _topic(topic: TopicRight, name: str, whose: Resource, place: Place) -> Resource:
    rights = {"exchange": topic.exchange, "write": topic.write, "read": topic.read}
    return _resource("TopicPermission", f"{name}.{topic.exchange}", place, {**whose, "permissions": rights})


def _resource(kind: str, name: str, place: Place, spec: Resource, *, within_vhost: bool = True) -> Resource:
    vhost = {"vhost": place.vhost} if within_vhost else {}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": kubernetes_name(name)},
        "spec": {**spec, **vhost, "rabbitmqClusterReference": {"name": place.rabbitmq}},
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
