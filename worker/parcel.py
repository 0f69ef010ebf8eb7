"""What leaves a worker: single messages, and results that share one. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from topology.names import RESULTS, result_key
from warren.broker.port import NO_HEADERS, Delivery, Outgoing, Properties, Subscription, Verdict
from warren.messages.result import ResultMessage
from warren.telemetry.context import CARRIED, TRACEPARENT

HEAD: Final = b'{"results":['
TAIL: Final = b"]}"


@dataclass(slots=True, eq=False)
class Ticket:
    """A delivery that is not settled yet; `open` counts what still has to be confirmed for it."""

    subscription: Subscription
    delivery: Delivery
    open: int
    verdict: Verdict = Verdict.ACK


@dataclass(frozen=True, slots=True)
class Packable:
    """A result in JSON, for whoever waits for it."""

    ticket: Ticket
    team: str
    priority: int
    task_id: str
    body: bytes


@dataclass(slots=True, eq=False)
class Parcel:
    """One message, whom it counts for, and the results in it, if it is of results."""

    message: Outgoing
    tickets: Sequence[Ticket]
    results: Sequence[Packable] = ()
    tries: int = 0
    """How often it was not taken."""
    due_s: float = 0.0
    """When it is to be tried again (Unix seconds)."""


def _trace(pack: Sequence[Packable]) -> Mapping[str, Any]:
    """The trace that the tasks came with, if it is one for all of them: a message has room for one."""
    headers = pack[0].ticket.delivery.properties.headers
    parent = headers.get(TRACEPARENT)
    if parent is None or any(one.ticket.delivery.properties.headers.get(TRACEPARENT) != parent for one in pack):
        return NO_HEADERS
    return {name: headers[name] for name in CARRIED if name in headers}


@dataclass(frozen=True, slots=True)
class Packer:
    """Puts results for the same team and of the same priority into shared messages, within the limit of their size."""

    agent: str
    limit_bytes: int
    results_per_message: int

    def packed(self, results: Iterable[Packable], now_s: int) -> list[Parcel]:
        groups: dict[tuple[str, int], list[Packable]] = {}
        for result in results:
            groups.setdefault((result.team, result.priority), []).append(result)
        return [self.parcel(pack, now_s) for group in groups.values() for pack in self._packs(group)]

    def parcel(self, pack: Sequence[Packable], now_s: int) -> Parcel:
        """One message of these results."""
        first = pack[0]
        properties = Properties(
            type=ResultMessage.TYPE,
            correlation_id=first.task_id if len(pack) == 1 else None,
            priority=first.priority,
            timestamp_s=now_s,
            app_id=self.agent,
            headers=_trace(pack),
        )
        body = HEAD + b",".join([result.body for result in pack]) + TAIL
        message = Outgoing(RESULTS, result_key(first.team), body, properties)
        return Parcel(message, [result.ticket for result in pack], pack)

    def _packs(self, results: Iterable[Packable]) -> Iterator[list[Packable]]:
        room = self.limit_bytes - len(HEAD) - len(TAIL)
        pack: list[Packable] = []
        size = 0
        for result in results:
            size += len(result.body) + 1
            if pack and (len(pack) >= self.results_per_message or size > room):
                yield pack
                pack, size = [], len(result.body) + 1
            pack.append(result)
        if pack:
            yield pack
