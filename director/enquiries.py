"""Commands and queries: what clients and operators ask of the director."""

from __future__ import annotations

from typing import assert_never

from director.acceptance import check_properties, reply_address
from warren.broker.port import Delivery
from warren.coordination.coordinator import Coordinator
from warren.coordination.dispatch import reply
from warren.coordination.effects import Effects
from warren.coordination.parcel import Parcel
from warren.coordination.replay import Replay
from warren.errors import InvalidInput
from warren.ledger import queries
from warren.ledger.transaction import Transaction
from warren.messages.codec import decode
from warren.messages.command import Command
from warren.messages.outcome import Cancelled, ErrorInfo
from warren.messages.query import Query
from warren.messages.reply import Accepted, AnyAnswer, Projects, Rejected
from warren.messages.written import Ending


def is_query(delivery: Delivery) -> bool:
    """Whether it only asks; everything else is a command."""
    return delivery.routing_key.startswith("query.")


class Enquiries:
    """Answers one delivery at a time: they are few."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def answer(self, delivery: Delivery) -> list[Parcel]:
        """The answer, and what follows from a command. Raises InvalidInput for what is neither."""
        address = reply_address(delivery)
        correlation_id = delivery.properties.correlation_id
        if is_query(delivery):
            check_properties(delivery.properties, Query.TYPE)
            query = decode(Query, delivery.body, self._coordinator.limit_bytes)
            answer = await self._coordinator.desk.read(lambda transaction: _answered(transaction, query))
            return reply(
                query.reply_to or address, correlation_id, query.project, answer, self._coordinator.clock.now()
            )
        check_properties(delivery.properties, Command.TYPE)
        command = decode(Command, delivery.body, self._coordinator.limit_bytes)
        answer, effects = await self._coordinator.desk.transact(lambda transaction: self._obey(transaction, command))
        replies = reply(command.reply_to or address, correlation_id, command.project, answer)
        return [*replies, *self._coordinator.parcels(effects)]

    def _obey(self, transaction: Transaction, command: Command) -> tuple[AnyAnswer, Effects]:
        owners = {owner.id: owner for owner in transaction.lock_subtree(command.project)}
        owner = owners.get(command.project)
        if owner is None:
            return _unknown(command.project), Effects()
        if command.verb == "replay":
            transaction.flush()
            replay = Replay(transaction, self._coordinator.carrier, command, self._coordinator.clock.now())
            return replay.carry_out(owners)
        if owner.status != "open":
            return Accepted(duplicate=True), Effects()
        outcome = Cancelled(reason=command.reason or "cancelled by its client")
        return Accepted(), self._coordinator.carrier.finish(transaction, owner, outcome, self._coordinator.clock.now())


def _answered(transaction: Transaction, query: Query) -> AnyAnswer | Ending:
    match query.noun:
        case "projects":
            return Projects(projects=queries.projects(transaction, query.limit))
        case "status":
            return queries.status(transaction, _named(query)) or _unknown(_named(query))
        case "result":
            project = _named(query)
            finished = queries.finished(transaction, project)
            return finished or queries.status(transaction, project) or _unknown(project)
        case _:
            assert_never(query.noun)


def _named(query: Query) -> str:
    if query.project is None:
        raise InvalidInput("message_invalid", f"query.{query.noun} needs a project's id", pointer="/project")
    return query.project


def _unknown(project: str) -> Rejected:
    message = f"there is no project {project}"
    return Rejected(error=ErrorInfo(code="unknown_project", message=message, pointer="/project", permanent=True))
