"""Tells of a broker that is away: once, however many connections wait for it and however often they try."""

from __future__ import annotations

import logging
from typing import Final

from warren.log import get_logger

OTHERS: Final = ("aiormq", "aio_pika")


class Outage:
    """The outages of one broker, one after the other; all connections of a process share it."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._waiting: set[str] = set()
        self._log = get_logger("warren.broker")

    def waits(self, purpose: str, what: str) -> None:
        """A connection tried in vain. The first one of an outage is a warning, the rest is for the curious."""
        tell = self._log.debug if self._waiting else self._log.warning
        self._waiting.add(purpose)
        tell(f"waiting for RabbitMQ: {what}", broker=self._address, purpose=purpose)

    def over(self, purpose: str) -> None:
        """A connection got what it waited for."""
        if purpose not in self._waiting:
            return
        self._waiting.discard(purpose)
        if not self._waiting:
            self._log.warning("RabbitMQ is back", broker=self._address)


def quieten_libraries() -> None:
    """In a program that has set up no logging, the libraries below would print each vain try on standard error.

    A program that has set it up still gets all they say.
    """
    for name in OTHERS:
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
