"""The topology as a Mermaid flowchart, for documents and pull requests.

The retry ladder is one node: its thirty-three parts would hide everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from topology import names
from topology.declaration import Binding, Exchange, Queue, Topology

_LADDER = "ladder"
_LADDER_NAMES = frozenset(map(names.retry_name, range(names.RETRY_LEVELS))) | {names.RETRY_OUT}
_ESCAPES = str.maketrans({".": "_", "_": "U", "-": "H"})
_ANY_DELAY = "*." * names.RETRY_LEVELS

Edge = tuple[str, str]
Item = TypeVar("Item", Exchange, Queue)


def mermaid(topology: Topology) -> str:
    """The drawing's source: exchanges are hexagons, queues cylinders; dotted arrows are ways for what goes wrong."""
    lines = [
        "flowchart LR",
        *(f'    {_exchange_id(item.name)}{{{{"{item.name}"}}}}' for item in _outside(topology.exchanges)),
        *(f'    {_queue_id(item.name)}[("{item.name}")]' for item in _outside(topology.queues)),
        f'    {_LADDER}[["{names.retry_name(names.RETRY_LEVELS - 1)} … .0, {names.RETRY_OUT}"]]',
        *_solid(topology.bindings),
        *_dotted(topology),
    ]
    return "\n".join(lines) + "\n"


def _outside(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.name not in _LADDER_NAMES]


def _solid(bindings: Iterable[Binding]) -> Iterator[str]:
    keys: dict[Edge, list[str]] = {}
    for binding in bindings:
        edge = _edge(binding)
        if edge[0] != edge[1]:
            keys.setdefault(edge, []).append(binding.routing_key.removeprefix(_ANY_DELAY))
    for (source, destination), labels in keys.items():
        label = "<br/>".join(filter(None, labels))
        yield f'    {source} -- "{label}" --> {destination}' if label else f"    {source} --> {destination}"


def _dotted(topology: Topology) -> Iterator[str]:
    failing = [
        *(
            (_exchange_id(item.name), item.arguments.get("alternate-exchange"), "unrouted")
            for item in topology.exchanges
        ),
        *((_queue_id(item.name), item.arguments.get("x-dead-letter-exchange"), "dead") for item in topology.queues),
    ]
    edges = {(source, _exchange_id(str(target)), label): None for source, target, label in failing if target}
    for source, target, label in edges:
        if source != target:
            yield f'    {source} -. "{label}" .-> {target}'


def _edge(binding: Binding) -> Edge:
    to_queue = binding.destination_kind == "queue"
    identify = _queue_id if to_queue else _exchange_id
    return _exchange_id(binding.source), identify(binding.destination)


def _exchange_id(name: str) -> str:
    return _LADDER if name in _LADDER_NAMES else f"x_{name.translate(_ESCAPES)}"


def _queue_id(name: str) -> str:
    return _LADDER if name in _LADDER_NAMES else f"q_{name.translate(_ESCAPES)}"
