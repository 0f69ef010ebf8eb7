"""What keeps work of low priority from waiting for ever: a share of it stands in line with the normal.

A broker hands out the most urgent first, however long the others have waited. So one in eight tasks of a low project
is sent with normal priority, and what is sent because such a one came back travels as it did: that many of the
project's tasks are always in line, whatever floods the queue. High and urgent work still goes before all of it, and
the rows in the ledger stay as low as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from warren.broker.port import Delivery
from warren.ledger.outbox import Unsent
from warren.messages.message import NORMAL_PRIORITY

SHARE: Final = 8
"""One in so many."""
NOBODY: Final[Mapping[str, int]] = {}


def back(heard: Iterable[tuple[Delivery, Sequence[str]]]) -> dict[str, int]:
    """By owner, how many of its results came from tasks that travelled ahead; 0 if none of them did."""
    returned: dict[str, int] = {}
    for delivery, owners in heard:
        ahead = int(delivery.properties.priority == NORMAL_PRIORITY)
        for owner in owners:
            returned[owner] = returned.get(owner, 0) + ahead
    return returned


def shared(unsent: Iterable[Unsent], returned: Mapping[str, int] = NOBODY) -> list[Unsent]:
    """The same, the share of low work with the priority to travel ahead; `returned` as `back` gives it.

    Which tasks of a first window go ahead follows from their ids, so that sending them again changes nothing.
    """
    places = dict(returned)
    return [_ahead(each, places) if each.priority < NORMAL_PRIORITY else each for each in unsent]


def _ahead(unsent: Unsent, places: dict[str, int]) -> Unsent:
    left = places.get(unsent.owner)
    if left is None:
        chosen = zlib.crc32(unsent.id.encode()) % SHARE == 0
    else:
        chosen = left > 0
        places[unsent.owner] = left - 1
    return replace(unsent, priority=NORMAL_PRIORITY) if chosen and unsent.kind == "task" else unsent
