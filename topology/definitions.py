"""The topology as a file that RabbitMQ imports by itself, at boot or through its management."""

from __future__ import annotations

import json
from typing import Any

from topology.declaration import Binding, Exchange, Queue, Topology


def definitions(topology: Topology, vhost: str = "/") -> dict[str, Any]:
    """The content of a definitions file. It only adds: what exists with other arguments makes the import fail."""
    return {
        **exchange_definitions(topology, vhost),
        "queues": [_queue(queue, vhost) for queue in topology.queues],
        "bindings": [_binding(binding, vhost) for binding in topology.bindings],
    }


def exchange_definitions(topology: Topology, vhost: str = "/") -> dict[str, Any]:
    """The virtual host and its exchanges alone: what must be there before users can be given rights on them."""
    return {
        "vhosts": [{"name": vhost}],
        "exchanges": [_exchange(exchange, vhost) for exchange in topology.exchanges],
    }


def definitions_json(topology: Topology, vhost: str = "/") -> str:
    """The definitions file itself."""
    return json.dumps(definitions(topology, vhost), indent=2) + "\n"


def _exchange(exchange: Exchange, vhost: str) -> dict[str, Any]:
    return {
        "name": exchange.name,
        "vhost": vhost,
        "type": exchange.kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": dict(exchange.arguments),
    }


def _queue(queue: Queue, vhost: str) -> dict[str, Any]:
    return {
        "name": queue.name,
        "vhost": vhost,
        "durable": True,
        "auto_delete": False,
        "arguments": dict(queue.arguments),
    }


def _binding(binding: Binding, vhost: str) -> dict[str, Any]:
    return {
        "source": binding.source,
        "vhost": vhost,
        "destination": binding.destination,
        "destination_type": binding.destination_kind,
        "routing_key": binding.routing_key,
        "arguments": {},
    }
