"""Warren's place in the comparison: a whole hierarchy, client to director to lead to two workers and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.contender import Candidate, Contender, Guarantees
from benchmarks.hierarchy.cluster import HierarchyContender, fresh_ledger
from benchmarks.services import Services

Ledger = Literal["sqlite", "postgres"]


@dataclass(frozen=True, slots=True)
class Variant:
    """Where the ledger is, and whether several tasks may travel in one message."""

    ledger: Ledger
    bundled: bool

    @property
    def name(self) -> str:
        return f"warren-{self.ledger}-{'bundled' if self.bundled else 'single'}"

    @property
    def guarantees(self) -> Guarantees:
        return Guarantees(
            confirms=True,
            acknowledged="after the result's confirm",
            results="persistent message in a durable queue, then the ledger",
            record="every task and event, in PostgreSQL"
            if self.ledger == "postgres"
            else "every task and event, in SQLite",
        )


VARIANTS: Sequence[Variant] = [
    Variant(ledger, bundled) for ledger in ("sqlite", "postgres") for bundled in (False, True)
]


def warren_candidate(variant: Variant) -> Candidate:
    return Candidate(
        variant.name, lambda services: _make(variant, services), lambda services: _missing(variant, services)
    )


def _missing(variant: Variant, services: Services) -> str | None:
    if variant.ledger == "postgres" and services.postgres_url is None:
        return "there is no PostgreSQL; install postgresql or pass --postgres-url"
    return None


def _make(variant: Variant, services: Services) -> Contender:
    """A cluster of one director, one lead and two workers with a no-op skill, and a client in a process of its own."""
    return HierarchyContender(
        variant.name,
        variant.guarantees,
        amqp_url=services.amqp_url,
        ledger=lambda: fresh_ledger(variant.ledger, services.workdir, services.postgres_url),
        bundle="auto" if variant.bundled else "1",
        workdir=services.workdir,
    )
