"""Ids: a project's is a UUIDv7, everything below it is named by its place in the project's tree.

`<project>/0/3/12` is the thirteenth child of the fourth child of the root of that project's plan.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Final

SEPARATOR: Final = "/"

Entropy = Callable[[int], bytes]
"""Gives that many random bytes: `os.urandom`, or a seeded source in a simulation."""


def new_project_id(now: float, entropy: Entropy) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) for a project that starts `now` (Unix seconds)."""
    value = int.from_bytes(int(now * 1000).to_bytes(6, "big") + entropy(10), "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def is_project_id(text: str) -> bool:
    """Whether `text` is a UUID in its canonical lower-case form."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def child_id(parent: str, key: str | int) -> str:
    return f"{parent}{SEPARATOR}{key}"


def parent_id(task_id: str) -> str:
    """The id one level up. Raises ValueError for a project, which has none."""
    parent, separator, _ = task_id.rpartition(SEPARATOR)
    if not separator:
        raise ValueError(f"{task_id} is a project and has no parent")
    return parent


def ancestors(task_id: str) -> Iterator[str]:
    """What it is below, the project first."""
    place = task_id.find(SEPARATOR)
    while place >= 0:
        yield task_id[:place]
        place = task_id.find(SEPARATOR, place + 1)


def key_of(task_id: str) -> str:
    """The last step of the path: the child's key below its parent."""
    return task_id.rpartition(SEPARATOR)[2]


def project_of(task_id: str) -> str:
    return task_id.partition(SEPARATOR)[0]


def depth_of(task_id: str) -> int:
    """0 for a project."""
    return task_id.count(SEPARATOR)


def is_within(task_id: str, subtree: str) -> bool:
    """Whether `task_id` is `subtree` itself or lies below it."""
    return task_id == subtree or task_id.startswith(subtree + SEPARATOR)
