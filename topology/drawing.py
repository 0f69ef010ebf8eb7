"""The topology as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from topology import names
from topology.declaration import Binding, Exchange, Queue, Topology

_LEVELS = frozenset(map(names.retry_name, range(names.RETRY_LEVELS)))
_ANY_DELAY = "*." * names.RETRY_LEVELS
_ANY_DELAY_SHOWN = "<16 bits>."


def draw(topology: Topology) -> str:
    """Which key leads from which exchange to which queue, then what each queue is; the ladder's inside is left out."""
    return "\n".join([*_exchanges(topology), "", *_queues(topology)]) + "\n"


def _exchanges(topology: Topology) -> Iterator[str]:
    for exchange in topology.exchanges:
        if exchange.name in _LEVELS:
            continue
        if exchange.name == names.RETRY_OUT:
            yield from _ladder()
        yield f"{exchange.name}  ({_traits(exchange)})"
        yield from _routes([binding for binding in topology.bindings if binding.source == exchange.name])


def _ladder() -> Iterator[str]:
    top = names.RETRY_LEVELS - 1
    yield f"{names.retry_name(top)} … {names.retry_name(0)}  ({names.RETRY_LEVELS} exchanges, a queue beside each)"
    yield f"└─ after 0 to {names.RETRY_MAX_UNITS} times {names.RETRY_UNIT_MS} ms → {names.RETRY_OUT}"


def _traits(exchange: Exchange) -> str:
    alternate = exchange.arguments.get("alternate-exchange")
    return f"{exchange.kind}, what no queue wants → {alternate}" if alternate else exchange.kind


def _routes(bindings: list[Binding]) -> Iterator[str]:
    routes: dict[str, list[str]] = {}
    for binding in bindings:
        key = binding.routing_key.replace(_ANY_DELAY, _ANY_DELAY_SHOWN) or "all"
        routes.setdefault(key, []).append(binding.destination)
    width = max(map(len, routes), default=0)
    for number, (key, destinations) in enumerate(routes.items(), start=1):
        branch = "└─" if number == len(routes) else "├─"
        yield f"{branch} {key:<{width}} → {', '.join(destinations)}"


def _queues(topology: Topology) -> Iterator[str]:
    shown = [queue for queue in topology.queues if queue.name not in _LEVELS]
    width = max((len(queue.name) for queue in shown), default=0)
    yield f"Queues ({len(shown)}, and {len(topology.queues) - len(shown)} of the retry ladder)"
    for queue in shown:
        yield f"  {queue.name:<{width}}  {_nature(queue)}"


def _nature(queue: Queue) -> str:
    arguments = queue.arguments
    traits = [
        str(arguments["x-queue-type"]),
        *([f"keeps {arguments['x-max-age']}"] if "x-max-age" in arguments else []),
        *([f"priorities 0-{arguments['x-max-priority']}"] if "x-max-priority" in arguments else []),
        *([f"dead letters → {arguments['x-dead-letter-exchange']}"] if "x-dead-letter-exchange" in arguments else []),
    ]
    return ", ".join(traits)
