"""Every error that Warren raises on purpose.

WarrenError
├── InvalidInput            what somebody sent or wrote cannot be used: says what, where and what to do
│   └── MessageTooLarge     names the setting that limits it
├── PublishFailed           messages that no queue received, that the broker refused, or that it never confirmed
├── BrokerUnavailable       no connection, and the time to wait for one is over
├── QueueMissing            the queue does not exist (LookupError)
├── TopologyMismatch        the broker holds something else than what was to be declared
├── LedgerUnavailable       the ledger does not answer
├── Unanswered              no director answered a client in time
├── UnknownProject          no project of that id (LookupError)
├── ProjectFailed           raised by a client that asked for the output of a project that has none
└── SkillError              a skill cannot be loaded, called or understood
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NO_REASONS: Final[Mapping[int, str]] = MappingProxyType({})


class WarrenError(Exception):
    """The root of Warren's errors."""


class InvalidInput(WarrenError, ValueError):
    """Something that was sent or configured cannot be used.

    `code` is stable and made for programs, `pointer` is a JSON pointer (RFC 6901) to the offending place.
    """

    def __init__(self, code: str, message: str, *, pointer: str = "") -> None:
        is_said = not pointer or f"{pointer}: " in message
        super().__init__(message if is_said else f"{message} (at {pointer})")
        self.code = code
        self.message = message
        self.pointer = pointer


class MessageTooLarge(InvalidInput):
    """A message is over the limit on its size."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            "message_too_large",
            f"the message has {size_bytes:,} bytes, the limit is {limit_bytes:,}; pass a reference to the data "
            "instead of the data, or raise limits.message_bytes in cluster.yaml",
        )


class PublishFailed(WarrenError):
    """Some messages of a batch were not taken; all others were.

    The numbers are positions in the batch: `unroutable` reached no queue, `refused` were nacked by the broker, and
    of the `unconfirmed` nothing was heard before the connection went: the broker may have them. `impossible` says of
    some of the refused why no try will ever succeed, such as that they are larger than what the broker takes.
    """

    def __init__(
        self,
        message: str,
        *,
        unroutable: list[int],
        refused: list[int],
        unconfirmed: list[int],
        impossible: Mapping[int, str] = NO_REASONS,
    ) -> None:
        super().__init__(message)
        self.unroutable = unroutable
        self.refused = refused
        self.unconfirmed = unconfirmed
        self.impossible = impossible


class BrokerUnavailable(WarrenError):
    """There is no usable connection to the broker."""


class QueueMissing(WarrenError, LookupError):
    """A queue that should exist does not."""


class TopologyMismatch(WarrenError):
    """The broker holds an exchange or a queue of that name with other arguments."""


class LedgerUnavailable(WarrenError):
    """The ledger's database does not answer."""


class Unanswered(WarrenError):
    """No director answered in time; what was sent waits in its queue for one that comes."""


class UnknownProject(WarrenError, LookupError):
    """No project has that id."""


class ProjectFailed(WarrenError):
    """The project ended without an output; `outcome` says how."""

    def __init__(self, message: str, outcome: object) -> None:
        super().__init__(message)
        self.outcome = outcome


class SkillError(WarrenError):
    """A skill cannot be loaded, or is declared in a way that cannot work."""
