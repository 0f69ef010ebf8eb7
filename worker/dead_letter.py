"""Copies of messages for the dead-letter queue and for the retry ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from topology import names
from topology.names import queue_token, retry_key, retry_name
from warren.broker.dead_letter import ATTEMPT, Cause, stamped
from warren.broker.headers import forwarded
from warren.broker.port import Delivery, Outgoing, Properties
from warren.messages.codec import encode
from warren.messages.task import Task, TaskMessage
from warren.messages.tried import Tried
from worker import suspicion

MAX_TRIED: Final = 32
"""Attempts that a task remembers; of more, the last."""
ENTRY: Final = retry_name(names.RETRY_LEVELS - 1)


def parked(delivery: Delivery, cause: Cause) -> Outgoing:
    """A delivery as it is, with what is wrong with it."""
    before, headers = delivery.properties, stamped(delivery, cause)
    # the broker checks that a user_id is ours, and an expiration would delete the dead letter
    properties = replace(before, headers=headers, user_id=None, expiration_ms=None, message_id=None, persistent=True)
    return Outgoing(names.DEAD, queue_token(delivery.queue), delivery.body, properties)


def parked_task(delivery: Delivery, message: TaskMessage, task: Task, cause: Cause) -> Outgoing:
    """One task that was given up, alone, whatever bundle it came in."""
    headers = stamped(delivery, cause)
    return Outgoing(names.DEAD, queue_token(delivery.queue), *_alone(delivery, message, task, headers))


def postponed(delivery: Delivery, message: TaskMessage, task: Task, tried: Tried, units: int) -> Outgoing:
    """The task's next attempt, on the ladder for `units`; it takes along what is known of the one before.

    What ran apart does so again, with a fresh count of its redeliveries.
    """
    known = [*(task.tried or ()), tried][-MAX_TRIED:]
    again = task.model_copy(update={"attempt": task.attempt + 1, "tried": known})
    count = min(suspicion.redeliveries(delivery), suspicion.APART_FROM)
    return _on_ladder(delivery, message, again, units, count)


def returned(delivery: Delivery, message: TaskMessage, task: Task, units: int) -> Outgoing:
    """The same attempt of a task that was delivered before: alone, counted, on the ladder for `units`."""
    return _on_ladder(delivery, message, task, units, suspicion.redeliveries(delivery))


def handed_back(delivery: Delivery) -> Outgoing:
    """A delivery that nobody has begun with, for somebody else: as it came, and over the ladder without a stay there.

    Would we just let go of it, the broker would count that like a crash.
    """
    count = suspicion.redeliveries(delivery)
    headers = forwarded(delivery.properties.headers) | ({suspicion.HEADER: count} if count else {})
    properties = replace(
        delivery.properties, headers=headers, user_id=None, expiration_ms=None, message_id=None, persistent=True
    )
    return Outgoing(ENTRY, retry_key(0, delivery.queue), delivery.body, properties)


def _on_ladder(delivery: Delivery, message: TaskMessage, task: Task, units: int, count: int) -> Outgoing:
    headers = {suspicion.HEADER: count} if count else {}
    return Outgoing(ENTRY, retry_key(units, delivery.queue), *_alone(delivery, message, task, headers))


def _alone(
    delivery: Delivery, message: TaskMessage, task: Task, headers: Mapping[str, Any]
) -> tuple[bytes, Properties]:
    body = encode(message.model_copy(update={"tasks": [task]}), limit_bytes=None)
    properties = Properties(
        type=TaskMessage.TYPE,
        correlation_id=task.id,
        priority=message.priority,
        timestamp_s=delivery.properties.timestamp_s,
        app_id=delivery.properties.app_id,
        headers={**forwarded(delivery.properties.headers), **headers, ATTEMPT: task.attempt},
    )
    return body, properties
