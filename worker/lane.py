"""One skill at work: its queue, its slots, and what becomes of each delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from warren.broker.dead_letter import Cause
from warren.broker.port import Broker, Delivery, Subscription
from warren.clock import Clock
from warren.errors import InvalidInput
from warren.messages.codec import decode
from warren.messages.outcome import Failed
from warren.messages.task import Task, TaskMessage
from warren.skills.context import Logger
from warren.telemetry import contract
from warren.telemetry.telemetry import Telemetry
from worker import suspicion
from worker.attempt import Attempt, failed
from worker.conclusion import Clerk, Conclusion, Ended
from worker.dead_letter import handed_back, parked, returned
from worker.execution import Execution
from worker.outbox import Outbox
from worker.parcel import Packable, Ticket
from worker.recycling import Recycling
from worker.station import Station
from worker.supply import Supplied, Supply


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the lanes of a worker share. `draw` gives random numbers in 0..1."""

    broker: Broker
    clock: Clock
    draw: Callable[[], float]
    logger: Logger
    execution: Execution
    outbox: Outbox
    clerk: Clerk
    limit_bytes: int
    telemetry: Telemetry
    recycling: Recycling


class Lane:
    """As many slots as the skill may run at once. A bundle's tasks run one after another in one slot."""

    def __init__(self, station: Station, place: Workplace) -> None:
        self._station = station
        self._place = place
        self._supply = Supply(place.broker, station.queue, station.concurrency, self._hand_back)
        self._slots: list[asyncio.Task[None]] = []
        self._abandoned = False
        self._idle = asyncio.Event()

    @property
    def waiting_for(self) -> str | None:
        return None if self._supply.is_open else f"it does not consume {self._station.queue} yet"

    async def run(self) -> None:
        """Work until `stop`; what is not acked yet then needs the supply still, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._supply.run())
            async with asyncio.TaskGroup() as slots:
                self._slots = [slots.create_task(self._work()) for _ in range(self._station.concurrency)]
            self._idle.set()

    async def stop(self) -> None:
        """Take nothing new, and give back what no slot has taken."""
        if not self._supply.is_open:
            self._idle.set()
        await self._supply.stop()

    def abandon(self) -> None:
        """After `stop`: interrupt what runs, and give it back."""
        self._abandoned = True
        for slot in self._slots:
            slot.cancel()

    async def finished(self) -> None:
        """Return when, after `stop`, the last handler has ended."""
        await self._idle.wait()

    async def _work(self) -> None:
        while (supplied := await self._supply.take()) is not None:
            message = self._understood(supplied.subscription, supplied.delivery)
            if message is not None:
                began_s = self._place.clock.now()
                await self._perform(Ticket(supplied.subscription, supplied.delivery, len(message.tasks)), message)
                self._supply.learn(self._place.clock.now() - began_s)

    def _understood(self, subscription: Subscription, delivery: Delivery) -> TaskMessage | None:
        """The tasks of a delivery. One that makes no sense here is parked with the reason."""
        try:
            return self._checked(delivery)
        except InvalidInput as error:
            self._place.logger.warning("a message is dead-lettered", code=error.code, reason=error.message)
            now = self._place.clock.now()
            letter = parked(delivery, Cause(error.code, error.message, error.pointer, given_up_s=now))
            self._place.outbox.add_message(Ticket(subscription, delivery, 1), letter)
            return None

    def _checked(self, delivery: Delivery) -> TaskMessage:
        kind = delivery.properties.type
        if kind not in (None, TaskMessage.TYPE):
            raise InvalidInput("wrong_type", f"the message's type is {kind!r}, this queue is for {TaskMessage.TYPE}")
        message = decode(TaskMessage, delivery.body, self._place.limit_bytes)
        team, skill = self._station.team, self._station.skill.name
        if (message.team, message.skill) != (team, skill):
            text = f"it is for skill {message.skill!r} of team {message.team!r}, this queue is {skill!r} of {team!r}"
            raise InvalidInput("wrong_queue", text)
        return message

    async def _perform(self, ticket: Ticket, message: TaskMessage) -> None:
        count = suspicion.redeliveries(ticket.delivery)
        if suspicion.is_given_up(count):
            self._give_up(ticket, message, count)
        elif ticket.delivery.redelivered:
            self._send_on(ticket, message, count)
        else:
            await self._run(ticket, message)

    def _send_on(self, ticket: Ticket, message: TaskMessage, count: int) -> None:
        """Somebody had it before: each of its tasks goes on alone, so that no other suffers from the one to blame."""
        for task in message.tasks:
            units = suspicion.pause_units(count, self._place.draw())
            self._place.outbox.add_message(ticket, returned(ticket.delivery, message, task, units))

    def _give_up(self, ticket: Ticket, message: TaskMessage, count: int) -> None:
        now = self._place.clock.now()
        for task in message.tasks:
            attempt = failed(suspicion.CODE, suspicion.words(count), task.id, permanent=True)
            self._say(task, attempt)
            self._conclude(ticket, message, task, Ended(attempt, now, now))

    async def _run(self, ticket: Ticket, message: TaskMessage) -> None:
        for place, task in enumerate(message.tasks):
            started_s = self._place.clock.now()
            attempt = await self._uninterrupted(ticket.delivery, task)
            if attempt is None:
                return self._return(ticket, message, message.tasks[place:])
            self._conclude(ticket, message, task, Ended(attempt, started_s, self._place.clock.now()))
        return None

    async def _uninterrupted(self, delivery: Delivery, task: Task) -> Attempt | None:
        """An attempt; None if it was not begun, or not finished, because the lane is abandoned."""
        if self._abandoned:
            return None
        try:
            return await self._attempt(delivery, task)
        except asyncio.CancelledError:
            if self._abandoned:
                return None
            raise

    def _hand_back(self, supplied: Supplied) -> None:
        """What no slot has taken."""
        ticket = Ticket(supplied.subscription, supplied.delivery, 1)
        self._place.outbox.add_message(ticket, handed_back(supplied.delivery))

    def _return(self, ticket: Ticket, message: TaskMessage, tasks: Iterable[Task]) -> None:
        """What we have no time for is not to blame: the count of its redeliveries stays as it is."""
        for task in tasks:
            self._place.outbox.add_message(ticket, returned(ticket.delivery, message, task, 0))

    async def _attempt(self, delivery: Delivery, task: Task) -> Attempt:
        """One attempt, and what is said of it, in the trace that its message came with."""
        handling = self._place.telemetry.handling
        token = handling.enter(delivery.properties.headers, task.id, task.attempt)
        apart = suspicion.runs_apart(suspicion.redeliveries(delivery))
        try:
            attempt = await self._place.execution.run(self._station, task, apart=apart)
            self._say(task, attempt)
            return attempt
        finally:
            handling.leave(token)

    def _say(self, task: Task, attempt: Attempt) -> None:
        if isinstance(attempt.outcome, Failed):
            error = attempt.outcome.error
            self._place.logger.info(
                "an attempt failed", task=task.id, attempt=task.attempt, code=error.code, reason=error.message
            )

    def _conclude(self, ticket: Ticket, message: TaskMessage, task: Task, ended: Ended) -> None:
        conclusion = self._place.clerk.conclude(
            ticket.delivery, message, task, ended, self._station.policy, self._place.draw()
        )
        self._count(conclusion, ended)
        self._place.recycling.count()
        ticket.open += len(conclusion.messages) - (conclusion.result is None)
        for copy in conclusion.messages:
            self._place.outbox.add_message(ticket, copy)
        if conclusion.result is not None:
            self._place.outbox.add_result(Packable(ticket, message.team, message.priority, task.id, conclusion.result))

    def _count(self, conclusion: Conclusion, ended: Ended) -> None:
        metrics, who = self._place.telemetry.metrics, (self._station.team, self._station.skill.name)
        took_s, status = ended.ended_s - ended.started_s, ended.attempt.outcome.status
        metrics.observe(contract.ATTEMPT_DURATION, took_s, *who, status)
        if conclusion.is_retry:
            metrics.add(contract.RETRIES, *who)
        elif conclusion.messages:
            metrics.add(contract.GIVEN_UP, *who)
