"""How a broker differs from the cluster file, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from topology.declaration import Binding, Exchange, Queue, Topology
from topology.live import Facts, LiveTopology, exchange_facts, queue_facts

_OURS = "warren."


def compare(declared: Topology, live: LiveTopology) -> list[str]:
    """Every difference as one sentence; none if the broker is as the file wants it.

    What other systems add under names of their own, also queues bound to Warren's exchanges, is no difference.
    """
    exchanges = {exchange.name: wanted_exchange(exchange) for exchange in declared.exchanges}
    queues = {queue.name: wanted_queue(queue) for queue in declared.queues}
    return [
        *_compared("exchange", exchanges, live.exchanges),
        *_compared("queue", queues, live.queues),
        *_bindings(declared, live),
    ]


def wanted_exchange(exchange: Exchange) -> Facts:
    """A declared exchange as the facts that a broker would report of it."""
    return exchange_facts(exchange.kind, exchange.arguments, {})


def wanted_queue(queue: Queue) -> Facts:
    """A declared queue as the facts that a broker would report of it."""
    return queue_facts(queue.arguments, {})


def differences(wanted: Facts, found: Facts) -> list[str]:
    """What differs between two queues or two exchanges of one name, a phrase for each flag and argument."""
    return [
        f"{name} is {_value(found, name)}, wanted {_value(wanted, name)}"
        for name in sorted({*wanted, *found})
        if not _same(wanted.get(name), found.get(name))
    ]


def _compared(sort: str, wanted: Mapping[str, Facts], found: Mapping[str, Facts]) -> Iterator[str]:
    for name, facts in wanted.items():
        if name not in found:
            yield f"{sort} {name} is missing"
        elif phrases := differences(facts, found[name]):
            yield f"{sort} {name}: {'; '.join(phrases)}"
    for name in spare(wanted, found):
        yield f"{sort} {name} exists, but the cluster file has no use for it"


def _bindings(declared: Topology, live: LiveTopology) -> Iterator[str]:
    wanted = dict.fromkeys(declared.bindings)
    for binding in wanted:
        if binding not in live.bindings:
            yield f"{route_in_words(binding)} is missing"
    for words in sorted(map(route_in_words, spare_bindings(declared, live))):
        yield f"{words} exists, but the cluster file has no use for it"


def spare(wanted: Mapping[str, Facts], found: Mapping[str, Facts]) -> list[str]:
    """Names of Warren's that exist and are not wanted."""
    return [name for name in sorted(found.keys() - wanted.keys()) if name.startswith(_OURS)]


def spare_bindings(declared: Topology, live: LiveTopology) -> set[Binding]:
    """Bindings that lead to something of ours and are not wanted."""
    ours = {("exchange", item.name) for item in declared.exchanges} | {("queue", item.name) for item in declared.queues}
    return {extra for extra in live.bindings.difference(declared.bindings) if _place(extra) in ours}


def _place(binding: Binding) -> tuple[str, str]:
    return binding.destination_kind, binding.destination


def route_in_words(binding: Binding) -> str:
    """A binding as a person would name it."""
    route = f"binding of {binding.destination_kind} {binding.destination} to exchange {binding.source}"
    return f"{route} with key {binding.routing_key!r}" if binding.routing_key else route


def _same(wanted: object, found: object) -> bool:
    """True is not 1 to a broker."""
    return wanted == found and isinstance(wanted, bool) == isinstance(found, bool)


def _value(facts: Facts, name: str) -> str:
    match facts.get(name):
        case None:
            return "not set"
        case bool() as flag:
            return str(flag).lower()
        case value:
            return str(value)
