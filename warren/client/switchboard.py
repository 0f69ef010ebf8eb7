"""Connects what a client asks with what the director answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from topology.names import INGRESS, REPLIES, reply_key
from warren.broker.port import NO_HEADERS, Broker, Delivery, Outgoing, Properties, Subscription, Verdict
from warren.client.conversation import Conversation
from warren.client.waiting import wait
from warren.clock import Clock
from warren.errors import BrokerUnavailable, InvalidInput, PublishFailed, Unanswered
from warren.messages.codec import decode, encode
from warren.messages.message import NORMAL_PRIORITY, Message
from warren.messages.reply import Answer, Reply

T = TypeVar("T")

AGAIN_S: Final = 5.0
"""How long after a question it is asked again: a reply is lost if the connection is."""
TROUBLE_S: Final = 0.25
"""How long after a publish that failed it is tried again."""

log = logging.getLogger(__name__)


class Switchboard:
    """One client's line to the director: sends to ingress, and listens on `reply.<token>`."""

    def __init__(self, broker: Broker, token: str, clock: Clock, limit_bytes: int, *, user: str | None = None) -> None:
        """`user` is the connection's own: the broker vouches for it, and for no other."""
        self.clock = clock
        self.broker = broker
        self._reply_to = reply_key(token)
        self._limit_bytes = limit_bytes
        self._user = user
        self._questions: dict[str, asyncio.Future[Answer]] = {}
        self._conversations: WeakValueDictionary[str, Conversation] = WeakValueDictionary()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear replies within this context."""
        async with self.broker.inbox([(REPLIES, self._reply_to)]) as inbox, asyncio.TaskGroup() as group:
            hearing = group.create_task(self._hear(inbox))
            try:
                yield
            finally:
                hearing.cancel()

    def conversation(self, project: str) -> Conversation:
        """About a project; forgotten when nobody holds it any more."""
        found = self._conversations.get(project)
        if found is None:
            found = self._conversations[project] = Conversation()
        return found

    async def ask(self, key: str, question: Message, limit_s: float) -> Answer:
        """The answer to a query or a command. Raises Unanswered after `limit_s`."""
        request = uuid4().hex
        answer = self._questions[request] = asyncio.get_running_loop().create_future()
        try:
            return await self.tell(key, question, answer, limit_s, correlation_id=request)
        finally:
            del self._questions[request]

    async def tell(
        self,
        key: str,
        message: Message,
        answer: asyncio.Future[T],
        limit_s: float,
        *,
        correlation_id: str,
        priority: int = NORMAL_PRIORITY,
        headers: Mapping[str, Any] = NO_HEADERS,
        sent: Callable[[], None] = lambda: None,
    ) -> T:
        """Send until `answer` is there; all that a client sends may be repeated. Raises Unanswered after `limit_s`.

        `sent` is called each time that the broker has it.
        """
        outgoing = self._outgoing(key, message, correlation_id, priority, headers)
        end_s = self.clock.now() + limit_s
        while (left_s := end_s - self.clock.now()) > 0:
            pause_s = TROUBLE_S
            if await self._was_sent(outgoing):
                pause_s = AGAIN_S
                sent()
            if await wait(answer, self.clock, min(pause_s, left_s)):
                return answer.result()
        raise Unanswered(self._silence(limit_s))

    def _outgoing(
        self, key: str, message: Message, correlation_id: str, priority: int, headers: Mapping[str, Any]
    ) -> Outgoing:
        properties = Properties(
            type=message.TYPE,
            correlation_id=correlation_id,
            reply_to=self._reply_to,
            priority=priority,
            timestamp_s=int(self.clock.now()),
            user_id=self._user,
            headers=headers,
        )
        return Outgoing(INGRESS, key, encode(message, self._limit_bytes), properties)

    async def _was_sent(self, outgoing: Outgoing) -> bool:
        try:
            await self.broker.publish([outgoing])
        except BrokerUnavailable:
            return False
        except PublishFailed as error:
            if error.unroutable:
                raise
            return False
        return True

    def _silence(self, limit_s: float) -> str:
        if trouble := self.broker.waiting_for:
            return f"no answer within {limit_s:g} s: this client is {trouble}"
        return (
            f"no director answered within {limit_s:g} s; is one running? What was sent waits in its queue "
            "and is done when one comes"
        )

    async def _hear(self, inbox: Subscription) -> None:
        while batch := await inbox.receive():
            for delivery in batch:
                self._connect(delivery)
            await inbox.settle([(delivery, Verdict.ACK) for delivery in batch])

    def _connect(self, delivery: Delivery) -> None:
        try:
            reply = decode(Reply, delivery.body, max(self._limit_bytes, len(delivery.body)))
        except InvalidInput as error:
            log.warning("a reply cannot be understood and is dropped: %s", error)
            return
        properties = delivery.properties
        self._pass_on(properties.correlation_id or reply.project or "", reply.answer, properties.headers)

    def _pass_on(self, correlation_id: str, answer: Any, headers: Mapping[str, Any]) -> None:
        question = self._questions.get(correlation_id)
        if question is not None and not question.done():
            question.set_result(answer)
        elif (conversation := self._conversations.get(correlation_id)) is not None:
            conversation.hear(answer, headers)
