"""What a broker really holds, as its management API reports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from topology.declaration import Binding

Facts = Mapping[str, object]
"""Everything that makes two exchanges or two queues of one name differ: flags and arguments."""


@dataclass(frozen=True, slots=True)
class LiveTopology:
    """One vhost's exchanges and queues by name, and its bindings."""

    exchanges: Mapping[str, Facts]
    queues: Mapping[str, Facts]
    bindings: frozenset[Binding]


def live_topology(document: Mapping[str, Any]) -> LiveTopology:
    """Read the answer of `GET /api/definitions/<vhost>`.

    A mapping with the answers of `/api/exchanges/<vhost>`, `/api/queues/<vhost>` and `/api/bindings/<vhost>` under
    the keys `exchanges`, `queues` and `bindings` does as well. The broker's own exchanges and the queues that belong
    to one connection are left out.
    """
    return LiveTopology(
        exchanges={
            entry["name"]: exchange_facts(entry["type"], _arguments(entry), entry)
            for entry in document["exchanges"]
            if entry["name"] and not entry["name"].startswith("amq.")
        },
        queues={
            entry["name"]: queue_facts(_arguments(entry), entry)
            for entry in document["queues"]
            if not entry.get("exclusive", False)
        },
        bindings=frozenset(_bindings(document["bindings"])),
    )


def exchange_facts(kind: str, arguments: Facts, flags: Mapping[str, Any]) -> Facts:
    """An exchange as facts; a flag that is not reported is as Warren declares it."""
    return {
        "type": kind,
        "durable": flags.get("durable", True),
        "auto_delete": flags.get("auto_delete", False),
        "internal": flags.get("internal", False),
        **arguments,
    }


def queue_facts(arguments: Facts, flags: Mapping[str, Any]) -> Facts:
    """A queue as facts; a flag that is not reported is as Warren declares it."""
    return {"durable": flags.get("durable", True), "auto_delete": flags.get("auto_delete", False), **arguments}


def _arguments(entry: Mapping[str, Any]) -> Facts:
    return dict(entry.get("arguments") or {})


def _bindings(entries: Iterable[Mapping[str, Any]]) -> Iterable[Binding]:
    for entry in entries:
        if entry["source"]:
            yield Binding(entry["source"], entry["destination"], entry["routing_key"], entry["destination_type"])
