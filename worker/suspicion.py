"""Tasks that may kill their worker: how they are recognised, set apart, and given up.

A broker says of a delivery only that somebody had it before and never settled it. Most of the time that somebody was
killed or lost its connection, and the task is innocent; a worker that drains sends again what it gives back, and leaves
no such mark. So nothing is concluded from one such delivery: its tasks are sent on, each alone and with a number, and
only what comes back again and again is treated with care.
"""

from __future__ import annotations

from typing import Final

from topology.retry_ladder import backoff_ms, units_for
from warren.broker.port import Delivery

HEADER: Final = "x-warren-redeliveries"
APART_FROM: Final = 2
"""From so many redeliveries on a task runs in a process of its own: if it kills that, it harms nobody else."""
GIVEN_UP_AFTER: Final = 8
"""A task that even so takes down worker after worker is not tried on."""
BASE_S: Final = 1.0
CAP_S: Final = 60.0
CODE: Final = "crash_loop"


def redeliveries(delivery: Delivery) -> int:
    """How often its task was taken before by a worker that did not settle it, this time included."""
    told = delivery.properties.headers.get(HEADER, 0)
    before = told if isinstance(told, int) and told > 0 else 0
    return before + delivery.redelivered


def runs_apart(count: int) -> bool:
    return count >= APART_FROM


def is_given_up(count: int) -> bool:
    return count > GIVEN_UP_AFTER


def pause_units(count: int, draw: float) -> int:
    """How long to keep it on the ladder: not at all the first time, for most are innocent, and longer each time after.

    `draw` is a random number in 0..1: those that were taken down together are not to meet again.
    """
    return 0 if count < APART_FROM else units_for(backoff_ms(count - 1, base_s=BASE_S, cap_s=CAP_S, draw=draw))


def words(count: int) -> str:
    """Why it is given up."""
    return (
        f"{count} workers in a row took this task and ended, or lost their connection, before it was done; it may "
        "crash them or exhaust their memory: see their last log lines, then replay it"
    )
