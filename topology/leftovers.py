"""What a broker still holds of a cluster file that was: queues and bindings of what went."""

from __future__ import annotations

from dataclasses import dataclass

from topology.declaration import Binding, Topology
from topology.drift import spare, spare_bindings, wanted_queue
from topology.live import LiveTopology


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Queues by name, and bindings to queues that stay."""

    queues: tuple[str, ...] = ()
    bindings: tuple[Binding, ...] = ()


def leftovers(declared: Topology, live: LiveTopology) -> Leftovers:
    """What may be taken away. Queues of other systems, and what they bound, are none of it."""
    queues = {queue.name: wanted_queue(queue) for queue in declared.queues}
    bindings = sorted(
        spare_bindings(declared, live), key=lambda each: (each.source, each.destination, each.routing_key)
    )
    return Leftovers(tuple(spare(queues, live.queues)), tuple(bindings))
