"""How long a broker lets a worker hold a task before it takes it back and hands it to another."""

from __future__ import annotations

from typing import Final, assert_never

from topology.profile import (
    CLASSIC_WITHOUT_CONSUMER_TIMEOUT_SINCE,
    CONSUMER_TIMEOUT_PER_QUEUE_SINCE,
    Profile,
    version_of,
)
from topology.queue_arguments import CONSUMER_TIMEOUT_MS

BROKER_DEFAULT_S: Final = 1_800.0
"""`consumer_timeout` of a broker whose configuration says nothing."""


def longest_hold_s(profile: Profile, broker_version: str, *, configured_s: float | None = None) -> float | None:
    """Seconds from a task's delivery to its ack; None for no limit.

    `configured_s` is the broker's `consumer_timeout` where it is not the default: no client can ask for it, and where
    a queue brings its own, it does not count. Raises ProfileRefused if the version cannot be read.

    >>> longest_hold_s("classic", "3.10.8"), longest_hold_s("quorum", "3.13.2"), longest_hold_s("classic", "4.3.6")
    (1800.0, 86400.0, None)
    """
    version = version_of(broker_version)
    match profile:
        case "classic":
            return None if version >= CLASSIC_WITHOUT_CONSUMER_TIMEOUT_SINCE else configured_s or BROKER_DEFAULT_S
        case "quorum" if version >= CONSUMER_TIMEOUT_PER_QUEUE_SINCE:
            return CONSUMER_TIMEOUT_MS / 1000
        case "quorum":
            return configured_s or BROKER_DEFAULT_S
        case _:
            assert_never(profile)
