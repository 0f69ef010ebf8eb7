"""Taking away what the broker still holds of skills and teams that went."""

from __future__ import annotations

from dataclasses import dataclass, field

from topology.build import build
from topology.cluster import Cluster
from topology.drift import route_in_words
from topology.leftovers import Leftovers, leftovers
from topology.live import live_topology
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.management import fetch_definitions
from warren.cli.printing import counted


@dataclass
class Pruned:
    """In words, what is gone (or would be), and what was kept and why."""

    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


async def prune(cluster: Cluster, amqp_url: str, management_url: str, *, really: bool) -> Pruned:
    """Take away queues that are empty and that nobody consumes, and bindings; a dry run unless `really`."""
    left = leftovers(build(cluster), live_topology(await fetch_definitions(management_url, amqp_url)))
    async with RabbitBroker(amqp_url, name="warren topology") as broker:
        return await _pruned(broker, left, really=really)


async def _pruned(broker: RabbitBroker, left: Leftovers, *, really: bool) -> Pruned:
    done = Pruned()
    for queue in left.queues:
        depth = await broker.depth(queue)
        if depth.messages or depth.consumers:
            holds = f"{counted(depth.messages, 'message')} and {counted(depth.consumers, 'consumer')}"
            done.kept.append(f"queue {queue} has {holds}")
            continue
        if really:
            await broker.delete_queue(queue)
        done.gone.append(f"queue {queue}")
    if done.kept:  # what they still hold may yet be dead-lettered, along bindings that nobody else needs
        done.kept += [f"{route_in_words(binding)}, until these queues are gone" for binding in left.bindings]
        return done
    for binding in left.bindings:
        if really:
            await broker.unbind(binding)
        done.gone.append(route_in_words(binding))
    return done
