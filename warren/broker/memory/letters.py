"""What becomes of messages that a queue has let go of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from topology.declaration import Queue
from warren.broker.memory.agenda import Agenda
from warren.broker.memory.death import Reason, dead_letter, would_cycle
from warren.broker.memory.mailbox import Mailbox
from warren.broker.memory.message import Message
from warren.broker.memory.rules import QueueRules

RETRY_AFTER_S: Final = 1.0

Route = Callable[[str, str], Sequence[Mailbox]]


class DeadLetters:
    """Carries dead messages to the dead-letter exchange of the queue they died in.

    With at-least-once dead lettering, a letter that reached no queue is tried again every `RETRY_AFTER_S` until one
    takes it; otherwise it is lost, as it is in RabbitMQ.
    """

    def __init__(self, route: Route, agenda: Agenda) -> None:
        self._route = route
        self._agenda = agenda

    def bury(self, queue: Queue, rules: QueueRules, message: Message, reason: Reason, moment: float) -> None:
        """Send the message on, if the queue has a dead-letter exchange."""
        exchange = rules.dead_letter_exchange
        if exchange is None:
            return
        letter = dead_letter(message, queue.name, reason, moment)
        letter.exchange = exchange
        letter.routing_key = message.routing_key if rules.dead_letter_key is None else rules.dead_letter_key
        self._send(letter, frozenset(), rules.insists_on_dead_letters, moment)

    def _send(self, letter: Message, served: Collection[str], insists: bool, moment: float) -> None:  # noqa: FBT001
        routed = self._route(letter.exchange, letter.routing_key)
        targets = [target for target in routed if not would_cycle(letter, target.declaration.name)]
        waiting = [target for target in targets if target.declaration.name not in served]
        missed = [target for target in waiting if not target.put(letter.copy(), moment)]
        if insists and (missed or not routed):
            now_served = {target.declaration.name for target in targets if target not in missed}
            self._agenda.at(moment + RETRY_AFTER_S, lambda due: self._send(letter, now_served, insists, due))
