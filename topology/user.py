"""What somebody who connects to the broker may do there: a value that compares, prints and renders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "^$"
"""A pattern that no name and no key has."""
SERVER_NAMED: Final = r"amq\.gen-[A-Za-z0-9_-]+"
"""Queues that the broker names itself. Nobody can choose such a name, and those of others are exclusive to them."""


@dataclass(frozen=True, slots=True)
class TopicRight:
    """Which routing keys may be published to a topic exchange, and which may be bound to."""

    exchange: str
    write: str = NOTHING
    read: str = NOTHING


@dataclass(frozen=True, slots=True)
class User:
    """A broker user's rights in one vhost, as the broker's regular expressions.

    Every exchange in `write` or `read` has its entry in `topics`: where there is none, the broker lets every key pass.
    `tags` open the management API: `monitoring` to look at queues, `management` also to fetch definitions.
    """

    name: str
    configure: str = NOTHING
    write: str = NOTHING
    read: str = NOTHING
    topics: tuple[TopicRight, ...] = ()
    tags: tuple[str, ...] = ()


def exactly(patterns: Iterable[str]) -> str:
    """The pattern of names that match one of `patterns` from beginning to end.

    >>> exactly(["all", "team.*"])
    '^(all|team.*)$'
    """
    found = list(patterns)
    if not found:
        return NOTHING
    return f"^{found[0]}$" if len(found) == 1 else f"^({'|'.join(found)})$"


def literal(name: str) -> str:
    """The pattern of one name. Warren's names have no other character that means something in a pattern."""
    return name.replace(".", r"\.")
