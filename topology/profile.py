"""The two ways to lay out queues, and which broker can do which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, assert_never

from topology.errors import ProfileRefused

Profile = Literal["classic", "quorum"]
Version = tuple[int, int]

STREAMS_SINCE: Final[Version] = (3, 9)
AT_LEAST_ONCE_SINCE: Final[Version] = (3, 10)
CONSUMER_TIMEOUT_PER_QUEUE_SINCE: Final[Version] = (3, 12)
QUORUM_PRIORITIES_SINCE: Final[Version] = (4, 0)
STRICT_QUORUM_PRIORITIES_SINCE: Final[Version] = (4, 3)
CLASSIC_WITHOUT_CONSUMER_TIMEOUT_SINCE: Final[Version] = (4, 3)

_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})(?=\D|$)")


def check_profile(profile: Profile, broker_version: str) -> None:
    """Refuse a profile whose promises the broker cannot keep. Raises ProfileRefused with the reason."""
    version = version_of(broker_version)
    if version < STREAMS_SINCE:
        raise ProfileRefused(
            f"RabbitMQ {broker_version} has no streams, which the history of events is kept in; "
            f"use {_words(STREAMS_SINCE)} or later"
        )
    if profile == "quorum" and version < AT_LEAST_ONCE_SINCE:
        raise ProfileRefused(
            f"RabbitMQ {broker_version} cannot do the profile quorum: before {_words(AT_LEAST_ONCE_SINCE)} its quorum "
            "queues know neither at-least-once dead-lettering nor a message TTL, so retries could be lost; "
            f"use {_words(AT_LEAST_ONCE_SINCE)} or later, or the profile classic"
        )


def shortcomings(profile: Profile, broker_version: str) -> tuple[str, ...]:
    """What works less well than the profile could, in words for a warning: nothing is lost by it.

    Raises ProfileRefused if the version cannot be read.
    """
    version = version_of(broker_version)
    match profile:
        case "classic":
            return tuple(_classic_shortcomings(version, broker_version))
        case "quorum":
            return tuple(_quorum_shortcomings(version, broker_version))
        case _:
            assert_never(profile)


def version_of(broker_version: str) -> Version:
    """The first two numbers of a version as the broker reports it. Raises ProfileRefused."""
    found = _VERSION.match(broker_version)
    if found is None:
        raise ProfileRefused(
            f"cannot tell from the version {broker_version!r} what this broker can do; "
            "expected something like 4.3.6: is this RabbitMQ?"
        )
    return int(found[1]), int(found[2])


def _classic_shortcomings(version: Version, reported: str) -> Iterator[str]:
    if version < CONSUMER_TIMEOUT_PER_QUEUE_SINCE:
        yield _half_hour(reported, "raise it in the broker's configuration")
    elif version < CLASSIC_WITHOUT_CONSUMER_TIMEOUT_SINCE:
        yield _half_hour(reported, "raise it in the broker's configuration or by a policy with consumer-timeout")


def _quorum_shortcomings(version: Version, reported: str) -> Iterator[str]:
    if version < QUORUM_PRIORITIES_SINCE:
        yield (
            f"RabbitMQ {reported} ignores priorities in quorum queues: tasks run in the order in which they came; "
            f"from {_words(QUORUM_PRIORITIES_SINCE)} they are honoured"
        )
    elif version < STRICT_QUORUM_PRIORITIES_SINCE:
        yield (
            f"RabbitMQ {reported} has two levels of priority in quorum queues (0-4 and 5-9), served 1 to 2; "
            f"from {_words(STRICT_QUORUM_PRIORITIES_SINCE)} all ten are kept apart"
        )
    if version < CONSUMER_TIMEOUT_PER_QUEUE_SINCE:
        yield _half_hour(reported, "raise it in the broker's configuration")


def _half_hour(reported: str, remedy: str) -> str:
    return (
        f"RabbitMQ {reported} takes a task back that is not settled within 30 minutes (its consumer_timeout): "
        f"{remedy} if a skill may run longer"
    )


def _words(version: Version) -> str:
    return f"{version[0]}.{version[1]}"
