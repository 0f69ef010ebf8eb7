"""Delays of any length out of sixteen queues, each with one fixed TTL.

A message enters at the top exchange. Its key names the level of its highest bit, then the queue that it is for, then
the bits of its delay, the lowest first: `2.work:scouts:fetch.0.1.1` for six units. It goes at once into that level's
queue, and after the level's TTL on to the exchange below: there a set bit sends it into the level's queue, a clear one
straight on to the next exchange. No level ever holds two different TTLs, so nothing waits behind something slower.

The order of the words is a matter of speed. A broker matches a key word by word, and the lower a level is the more
messages pass it: so its bit comes early.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from topology import names, queue_arguments
from topology.declaration import Binding, Exchange, Queue, Topology
from topology.profile import Profile

TOP = names.RETRY_LEVELS - 1
ENTRY = names.retry_name(TOP)
_UNROUTED = {"alternate-exchange": names.UNROUTABLE}


def units_for(delay_ms: float) -> int:
    """The delay in steps of the ladder, rounded up.

    What is in the past is 0. What is longer than the ladder gets its longest delay: whoever receives the message
    looks at its time again.
    """
    if not delay_ms > 0:
        return 0
    return math.ceil(min(delay_ms / names.RETRY_UNIT_MS, names.RETRY_MAX_UNITS))


def backoff_ms(attempt: int, *, base_s: float, cap_s: float, draw: float) -> float:
    """How long to wait before the attempt after `attempt` (from 1), with `draw` a random number in 0..1.

    Between half and all of a ceiling that doubles with every attempt up to `cap_s`, so that tasks that failed
    together do not come back together.
    """
    doublings = min(attempt - 1, 64)
    ceiling_s = min(cap_s, base_s * 2.0**doublings)
    return 1000 * ceiling_s * (0.5 + draw / 2)


def ttl_ms(level: int) -> int:
    """How long a message stays in one level."""
    return int(names.RETRY_UNIT_MS * 2**level)


def ladder(profile: Profile, queues: Iterable[str]) -> Topology:
    """The ladder, and its exits to `queues`."""
    levels = range(TOP, -1, -1)
    return Topology(
        exchanges=(*map(_exchange, levels), Exchange(names.RETRY_OUT, arguments=_UNROUTED)),
        queues=tuple(_queue(profile, level) for level in levels),
        bindings=(*_steps(levels), *map(_exit, queues)),
    )


def _exchange(level: int) -> Exchange:
    """Only the entry returns a malformed key to its sender; further down it must not block the level above."""
    return Exchange(names.retry_name(level)) if level == TOP else Exchange(names.retry_name(level), arguments=_UNROUTED)


def _queue(profile: Profile, level: int) -> Queue:
    return Queue(names.retry_name(level), queue_arguments.delay(profile, ttl_ms(level), _below(level)))


def _steps(levels: Iterable[int]) -> Iterator[Binding]:
    for level in levels:
        here, passed = names.retry_name(level), "*.*." + "*." * level
        yield Binding(ENTRY, here, f"{level}.#")
        if level != TOP:
            yield Binding(here, here, f"{passed}1.#")
            yield Binding(here, _below(level), f"{passed}0.#", "exchange")
    yield Binding(ENTRY, names.RETRY_OUT, f"{names.NO_LEVEL}.#", "exchange")


def _exit(queue: str) -> Binding:
    return Binding(names.RETRY_OUT, queue, f"*.{names.retry_word(queue)}.#")


def _below(level: int) -> str:
    return names.retry_name(level - 1) if level > 0 else names.RETRY_OUT
