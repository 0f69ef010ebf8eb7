"""How much each client may send: what is too much or too large is refused before anybody looks into it."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from topology.client_limits import ClientLimits
from topology.limits import Limits
from topology.names import REPLIES, REPLY_PREFIX
from topology.permissions import CLIENT_SEPARATOR
from warren.broker.port import Delivery
from warren.clock import Clock
from warren.errors import InvalidInput

ANONYMOUS: Final = "anonymous"
MAX_CLIENTS: Final = 10_000
"""Clients that are remembered; whoever was silent longest is forgotten first, and begins anew."""
MAX_NAME_CHARS: Final = 80


class RateLimited(InvalidInput):
    """A client sends more than it may; the same message is welcome in `retry_after_s` seconds."""

    def __init__(self, client: str, limits: ClientLimits, retry_after_s: float) -> None:
        super().__init__(
            "rate_limited",
            f"{client} sends more than {limits.messages_per_s:g} messages a second, of which {limits.burst:,} may come "
            f"at once (limits.client in cluster.yaml); nothing was done, send it again in {retry_after_s:g} s",
        )
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class Bucket:
    """Fills with `messages_per_s` up to `burst`; each message takes one out."""

    level: float
    at: float

    def wait_s(self, limits: ClientLimits, now: float) -> float:
        """0 if a message was taken out, else the seconds until there is one."""
        assert limits.messages_per_s is not None
        self.level = min(limits.burst, self.level + max(0.0, now - self.at) * limits.messages_per_s)
        self.at = now
        if self.level < 1:
            return (1 - self.level) / limits.messages_per_s
        self.level -= 1
        return 0.0


class Allowance:
    """One director's account of its clients."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def charge(self, delivery: Delivery) -> None:
        """Let a message pass. Raises InvalidInput, RateLimited where there was too much of it.

        A redelivery was charged when it first came; it may be of a project that is accepted already.
        """
        user = delivery.properties.user_id
        if self._limits.verified_clients and not user:
            raise InvalidInput(
                "client_unverified",
                "set the AMQP property user_id to the name of your broker user (limits.verified_clients)",
            )
        limits = self._limits.clients.get(user or "", self._limits.client)
        _check_size(delivery, limits)
        if limits.messages_per_s is not None and not delivery.redelivered:
            self._take(client_of(delivery), limits)

    def _take(self, client: str, limits: ClientLimits) -> None:
        now = self._clock.now()
        bucket = self._buckets.pop(client, None) or Bucket(limits.burst, now)
        self._buckets[client] = bucket
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        if (wait_s := bucket.wait_s(limits, now)) > 0:
            raise RateLimited(client, limits, math.ceil(wait_s * 1000) / 1000)


def client_of(delivery: Delivery) -> str:
    """Who sent it: by the user that the broker vouches for, else by what the message says of itself."""
    properties = delivery.properties
    if properties.user_id:
        return f"user {properties.user_id[:MAX_NAME_CHARS]}"
    if (properties.reply_to or "").startswith(REPLY_PREFIX):
        key, _, _ = str(properties.reply_to).partition(CLIENT_SEPARATOR)
        return f"{key[:MAX_NAME_CHARS]} on {REPLIES}"
    return f"application {properties.app_id[:MAX_NAME_CHARS]}" if properties.app_id else ANONYMOUS


def _check_size(delivery: Delivery, limits: ClientLimits) -> None:
    size = len(delivery.body)
    if limits.message_bytes is not None and size > limits.message_bytes:
        raise InvalidInput(
            "message_too_large",
            f"the message has {size:,} bytes, this client may send {limits.message_bytes:,} "
            "(limits.client.message_bytes in cluster.yaml); pass a reference to the data instead of the data",
        )
