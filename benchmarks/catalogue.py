"""Everybody who may take part."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from benchmarks.contender import Candidate
from benchmarks.peers.celery_contender import celery_candidate
from benchmarks.peers.dramatiq_contender import dramatiq_candidate
from benchmarks.peers.raw_aio_pika import raw_aio_pika_candidate
from benchmarks.warren_contender import VARIANTS, warren_candidate


class UnknownName(ValueError):
    """No contender is called that."""


def catalogue() -> list[Candidate]:
    return [
        *map(warren_candidate, VARIANTS),
        raw_aio_pika_candidate(),
        celery_candidate(confirm=False),
        celery_candidate(confirm=True),
        dramatiq_candidate(confirm=False),
        dramatiq_candidate(confirm=True),
    ]


def chosen(candidates: Sequence[Candidate], patterns: Sequence[str]) -> list[Candidate]:
    """`fitting`, but a pattern that fits nobody is an UnknownName that names everybody."""
    for pattern in patterns:
        if not fitting(candidates, [pattern]):
            names = ", ".join(candidate.name for candidate in candidates)
            raise UnknownName(f"no contender is called {pattern!r}; there are {names}")
    return fitting(candidates, patterns)


def fitting(candidates: Sequence[Candidate], patterns: Sequence[str]) -> list[Candidate]:
    """Those whose name fits one of the patterns."""
    return [entry for entry in candidates if any(fnmatchcase(entry.name, pattern) for pattern in patterns)]
