"""Which queues a message goes to: the exchanges and what is bound to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from topology.declaration import Binding, Exchange
from warren.broker.memory.topic import matches

DEFAULT_EXCHANGE = ""
"""Takes a message straight to the queue that its routing key names."""


@dataclass(slots=True)
class Outlet:
    """An exchange and the bindings that leave it, in the order they were made."""

    exchange: Exchange
    bindings: dict[Binding, None] = field(default_factory=dict)

    def takers(self, key: str) -> Iterator[Binding]:
        if self.exchange.kind == "fanout":
            return iter(self.bindings)
        return (binding for binding in self.bindings if matches(binding.routing_key, key))


class RoutingTable:
    """Exchanges and bindings by name. It knows nothing of queues but what they are called."""

    def __init__(self) -> None:
        self._outlets: dict[str, Outlet] = {}

    def exchange(self, name: str) -> Exchange | None:
        outlet = self._outlets.get(name)
        return outlet.exchange if outlet else None

    def add(self, exchange: Exchange) -> None:
        self._outlets[exchange.name] = Outlet(exchange)

    def bind(self, binding: Binding) -> None:
        """Make a route; a second time changes nothing. Raises KeyError if the source does not exist."""
        self._outlets[binding.source].bindings[binding] = None

    def forget_queue(self, queue: str) -> None:
        """Drop every route that ends in the queue."""
        for outlet in self._outlets.values():
            gone = [b for b in outlet.bindings if b.destination == queue and b.destination_kind == "queue"]
            for binding in gone:
                del outlet.bindings[binding]

    def queues(self, exchange: str, key: str) -> list[str]:
        """The queues that a message goes to, each once. An unknown exchange leads nowhere."""
        if exchange == DEFAULT_EXCHANGE:
            return [key]
        queues: dict[str, None] = {}
        ahead, seen = [exchange], {exchange}
        while ahead:
            for name, is_queue in self._next_stops(ahead.pop(0), key):
                if is_queue:
                    queues[name] = None
                elif name not in seen:
                    seen.add(name)
                    ahead.append(name)
        return list(queues)

    def _next_stops(self, exchange: str, key: str) -> Iterator[tuple[str, bool]]:
        """(name, whether it is a queue) of what one exchange passes the message to.

        The alternate exchange gets what no binding of this one takes, wherever those bindings would have led.
        """
        outlet = self._outlets.get(exchange)
        if outlet is None:
            return
        taken = False
        for binding in outlet.takers(key):
            taken = True
            yield binding.destination, binding.destination_kind == "queue"
        alternate = outlet.exchange.arguments.get("alternate-exchange")
        if not taken and alternate is not None:
            yield str(alternate), False
