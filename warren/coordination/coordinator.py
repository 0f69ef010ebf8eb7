"""What director and team leads share: carrying plans on, telling everybody who must know, sweeping up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from topology import names
from topology.cluster import Cluster
from warren.broker.port import Broker, Delivery
from warren.clock import Clock
from warren.coordination.agenda import Agenda
from warren.coordination.announcements import announcements, told_of
from warren.coordination.bundling import RunTimes, Skill, bundle_size
from warren.coordination.counting import count
from warren.coordination.desk import Desk
from warren.coordination.dispatch import control, dispatch, report
from warren.coordination.effects import Effects
from warren.coordination.intake import dead_letter
from warren.coordination.parcel import Parcel
from warren.coordination.presence import Presence
from warren.coordination.refusal import Instead, instead_of
from warren.coordination.settlement import Carrier, Incoming, death_reason, died, results_in
from warren.coordination.share import NOBODY, back, shared
from warren.errors import InvalidInput
from warren.ledger.ledger import Ledger
from warren.ledger.transaction import Transaction
from warren.messages.assignment import Assignment
from warren.messages.codec import decode
from warren.messages.command import Control
from warren.messages.result import ResultMessage
from warren.messages.task import TaskMessage
from warren.telemetry.telemetry import Telemetry

HEADROOM_BYTES = 1024 * 1024
"""What our own messages may have on top of the inputs and outputs that the limit is for."""
MAX_CONTROLS = 64
"""Above that many stopped subtrees in one batch, agents find out by themselves: their results change nothing."""


class Coordinator:
    """The engine with its hands: runs transactions of the carrier, turns effects into messages."""

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        clock: Clock,
        cluster: Cluster,
        telemetry: Telemetry,
        realm: str = names.DIRECTOR,
    ) -> None:
        self.realm = realm
        """The team that it leads, or the director."""
        self.clock = clock
        self.telemetry = telemetry
        self.limit_bytes = cluster.limits.message_bytes
        self.carrier = Carrier(self.limit_bytes)
        self.desk = Desk(broker, ledger, clock, telemetry.metrics)
        self.presence = Presence(broker, telemetry.metrics)
        self.agenda = Agenda(clock)
        self._events = cluster.events
        self._run_times = RunTimes()
        self._fixed_bundles = fixed_bundles(cluster)

    async def carry(self, work: Callable[[Transaction], Effects]) -> list[Parcel]:
        """The messages that follow from a piece of work on the ledger."""
        return self.parcels(await self.desk.transact(work))

    async def carry_again(self, work: Callable[[Transaction], Effects]) -> list[Parcel]:
        """The messages for what a look at the ledger found, but for those that are on their way from here."""
        effects = await self.desk.transact(work)
        effects.unsent = [each for each in effects.unsent if not self.desk.is_under_way(each.id)]
        effects.ended = [each for each in effects.ended if not self.desk.is_under_way(each.owner.id)]
        return self.parcels(effects)

    def parcels(self, effects: Effects, returned: Mapping[str, int] = NOBODY) -> list[Parcel]:
        """Effects that are durable, as messages; `returned` is what came back of work that travelled ahead."""
        self.carrier.keep(effects)
        self.agenda.expect(effects.waiting)
        for skill, took_s in effects.took:
            self._run_times.learn(skill, took_s)
        count(self.telemetry.metrics, effects)
        parcels = list(
            dispatch(shared(effects.unsent, returned), self._bundle_size, self.clock.now(), self.limit_bytes)
        )
        for ended in effects.ended:
            parcels += [*report(ended), *told_of(ended, self._events)]
        parcels += announcements(effects, self._events, self.clock.now())
        for path, replay in islice(effects.stopped.items(), MAX_CONTROLS):
            parcels.append(control(Control(verb="cancel", subtree=path, replay=replay), names.EVERYBODY))
        self.desk.hold(parcels)
        return parcels

    async def send(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Publish; what the broker will never take becomes a failure that it takes, and what follows is sent as well.

        Returns those that were not taken and stay unsent in the ledger.
        """
        lost: list[Parcel] = []
        while parcels:
            untaken = await self.desk.send(parcels)
            instead = {id(parcel): instead_of(parcel, self.clock.now()) for parcel in untaken if parcel.impossible}
            lost += [parcel for parcel in untaken if instead.get(id(parcel)) is None]
            parcels = await self._follow(found for found in instead.values() if found is not None)
        return lost

    async def _follow(self, instead: Iterable[Instead]) -> list[Parcel]:
        """The messages that take the place of others, and those that follow from the failures among them."""
        found = list(instead)
        parcels = [parcel for one in found for parcel in one.parcels]
        self.desk.hold(parcels)
        incoming = [Incoming(result, redelivered=False) for one in found for result in one.results]
        return parcels + await self._heard(incoming) if incoming else parcels

    async def _heard(self, incoming: Sequence[Incoming]) -> list[Parcel]:
        now = self.clock.now()
        return await self.carry(lambda transaction: self.carrier.settle(transaction, incoming, now))

    async def settle(self, batch: Sequence[Delivery]) -> list[Parcel]:
        """Handle a batch of results, and of tasks that the broker gave up."""
        heard, parcels = self._incoming(batch)
        incoming = [one for _, found in heard for one in found]
        if not incoming:
            return parcels
        now = self.clock.now()
        effects = await self.desk.transact(lambda transaction: self.carrier.settle(transaction, incoming, now))
        returned = back((delivery, [one.result.owner for one in found]) for delivery, found in heard)
        return parcels + self.parcels(effects, returned)

    def _incoming(self, batch: Sequence[Delivery]) -> tuple[list[tuple[Delivery, list[Incoming]]], list[Parcel]]:
        parcels: list[Parcel] = []
        incoming: list[tuple[Delivery, list[Incoming]]] = []
        now = self.clock.now()
        for delivery in batch:
            try:
                incoming.append((delivery, self._read(delivery, now)))
            except InvalidInput as error:
                if delivery.exchange != names.DEAD:  # what comes from there is dead-lettered already
                    parcels.append(dead_letter(delivery, error, now))
        return incoming, parcels

    def _read(self, delivery: Delivery, now: float) -> list[Incoming]:
        if delivery.exchange == names.DEAD and death_reason(delivery) is None:
            return []  # a worker gave it up and has reported so; the dead-letter queue has its copy
        limit_bytes = self.limit_bytes + HEADROOM_BYTES
        match delivery.properties.type:
            case TaskMessage.TYPE:
                return died(delivery, decode(TaskMessage, delivery.body, limit_bytes), now)
            case Assignment.TYPE:
                return died(delivery, decode(Assignment, delivery.body, limit_bytes), now)
            case _:
                return results_in(decode(ResultMessage, delivery.body, limit_bytes), delivery)

    def _bundle_size(self, skill: Skill, waiting: int) -> int:
        return bundle_size(
            self._run_times.average_s(skill),
            fixed=self._fixed_bundles.get(skill),
            waiting=waiting,
            workers=self.presence.workers(skill),
        )


def fixed_bundles(cluster: Cluster) -> Mapping[Skill, int]:
    """The bundle sizes that the cluster file sets."""
    return {
        (team, skill): settings.bundle
        for team, section in cluster.teams.items()
        for skill, settings in section.skills.items()
        if isinstance(settings.bundle, int)
    }


def work_queues(cluster: Cluster, team: str) -> dict[Skill, str]:
    """The queues of a team's skills."""
    return {(team, skill): names.work_queue(team, skill) for skill in cluster.teams[team].skills}
