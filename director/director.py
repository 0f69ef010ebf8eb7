"""The director: accepts projects, follows their plans over teams, answers clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from director.acceptance import Acceptance, Draft, answer_address
from director.allowance import Allowance, RateLimited
from director.ceiling import Ceiling
from director.census import Census
from director.enquiries import Enquiries, is_query
from topology import names
from topology.cluster import Cluster
from warren.broker.port import Broker, Delivery
from warren.clock import Clock
from warren.coordination.announcements import project_event
from warren.coordination.carriage import headers_back, headers_below
from warren.coordination.coordinator import Coordinator
from warren.coordination.counting import INLINE
from warren.coordination.depths import Depths
from warren.coordination.dispatch import reply
from warren.coordination.effects import Effects
from warren.coordination.intake import dead_letter
from warren.coordination.parcel import Parcel
from warren.coordination.replica import Replica
from warren.coordination.settlement import sent_again
from warren.coordination.station import Station
from warren.errors import InvalidInput
from warren.ids import Entropy
from warren.ledger.ended import ended
from warren.ledger.ledger import Ledger
from warren.ledger.transaction import Owner, Transaction
from warren.messages.codec import MAX_POINTER_CHARS, MAX_REASON_CHARS, shortened
from warren.messages.outcome import ErrorInfo
from warren.messages.reply import Accepted, AnyAnswer, Rejected
from warren.messages.written import Ending
from warren.patterns.playbook import Playbooks
from warren.telemetry import contract
from warren.telemetry.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a draft."""

    draft: Draft
    answers: list[AnyAnswer | Ending] = field(default_factory=list)
    is_new: bool = False
    error: InvalidInput | None = None
    trace: str | None = None
    """The project's, which is not the draft's if another was accepted before."""


class Director(Replica):
    """One replica of the director; all replicas are equal."""

    def __init__(
        self,
        broker: Broker,
        ledger: Ledger,
        clock: Clock,
        cluster: Cluster,
        playbooks: Playbooks,
        entropy: Entropy,
        telemetry: Telemetry | None = None,
    ) -> None:
        telemetry = telemetry or Telemetry.silent("director")
        self._metrics = telemetry.metrics
        self._coordinator = Coordinator(broker, ledger, clock, cluster, telemetry)
        self._acceptance = Acceptance(playbooks, clock, entropy, telemetry.sampling)
        self._enquiries = Enquiries(self._coordinator)
        self._allowance = Allowance(cluster.limits, clock)
        self._ceiling = Ceiling(self._coordinator.desk, cluster.limits.open_projects)
        queues = {names.PROJECTS_QUEUE: self.accept, names.DIRECTOR_QUEUE: self.listen}
        rooms = {names.PROJECTS_QUEUE: self._ceiling.room}
        self._station = Station(broker, self._coordinator, queues, {}, rooms)
        self._station.beside(Census(self._coordinator, cluster.limits.project_tasks).run)
        self._station.beside(Depths(broker, clock, telemetry.metrics, cluster).watch)

    async def accept(self, batch: Sequence[Delivery]) -> list[Parcel]:
        """Take in a batch of projects, or say what is wrong with them."""
        drafts: list[Draft] = []
        parcels: list[Parcel] = []
        for delivery in batch:
            try:
                self._allowance.charge(delivery)
                drafts.append(self._acceptance.draft(delivery))
            except InvalidInput as error:
                self._metrics.add(contract.PROJECTS_REFUSED, error.code)
                parcels += rejected(delivery, error, self._coordinator.clock.now())
        verdicts, effects = await self._coordinator.desk.transact(lambda transaction: self._judge(transaction, drafts))
        self._ceiling.accepted(sum(verdict.is_new for verdict in verdicts))
        for verdict in verdicts:
            self._count(verdict)
            parcels += announced(verdict)
        work = self._coordinator.parcels(effects)
        # The work goes first, for others wait for it; but nobody is to hear of an end before the acceptance.
        return parcels + work if effects.ended else work + parcels

    def _count(self, verdict: Verdict) -> None:
        if verdict.error is not None:
            self._metrics.add(contract.PROJECTS_REFUSED, verdict.error.code)
        elif verdict.is_new:
            self._metrics.add(contract.PROJECTS_ACCEPTED, verdict.draft.owner.playbook or INLINE)

    async def listen(self, batch: Sequence[Delivery]) -> list[Parcel]:
        """Results of assignments, and what clients and operators ask: they need not wait for what came with it.

        Commands go first. What somebody wants to see may take long to be read; what is to stop goes on meanwhile.
        """
        asked = [delivery for delivery in batch if delivery.exchange == names.INGRESS]
        results = [delivery for delivery in batch if delivery.exchange != names.INGRESS]
        parcels = await self._answer(delivery for delivery in asked if not is_query(delivery))
        parcels += await self._answer(delivery for delivery in asked if is_query(delivery))
        return parcels + await self._coordinator.settle(results)

    async def _answer(self, asked: Iterable[Delivery]) -> list[Parcel]:
        """Answer at once; gives what is said of those that cannot be understood."""
        answers: list[Parcel] = []
        refusals: list[Parcel] = []
        for delivery in asked:
            try:
                self._allowance.charge(delivery)
                answers += await self._enquiries.answer(delivery)
            except InvalidInput as error:
                refusals += rejected(delivery, error, self._coordinator.clock.now())
        await self._coordinator.send(answers)
        return refusals

    def _judge(self, transaction: Transaction, drafts: Sequence[Draft]) -> tuple[list[Verdict], Effects]:
        effects = Effects()
        known = transaction.lock([draft.owner.id for draft in drafts])
        verdicts: list[Verdict] = []
        for draft in drafts:
            earlier = known.get(draft.owner.id)
            if earlier is not None:
                verdicts.append(_known(transaction, draft, earlier))
                if draft.delivery.redelivered and earlier.status == "open":
                    effects.add(sent_again(transaction, earlier, effects))
                continue
            transaction.append(draft.event)
            transaction.flush()
            if draft.begins_at is None:
                effects.add(self._coordinator.carrier.begin(transaction, draft.owner, draft.event.at))
            else:
                effects.wait(draft.begins_at)
            known[draft.owner.id] = draft.owner
            verdicts.append(Verdict(draft, [Accepted()], is_new=True, trace=draft.owner.trace))
        return verdicts, effects


def _known(transaction: Transaction, draft: Draft, earlier: Owner) -> Verdict:
    """The same id again: the same project, or a mistake."""
    if draft.owner.fingerprint != earlier.fingerprint:
        message = (
            f"the id {earlier.id} is already used by a project with another playbook, plan or input; take a new id"
        )
        return Verdict(draft, error=InvalidInput("id_conflict", message, pointer="/id"))
    answers: list[AnyAnswer | Ending] = [Accepted(duplicate=True)]
    found = ended(transaction, earlier.id)
    if found is not None:
        outcome, ended_s = found
        answers.append(Ending(outcome, earlier.created_at, ended_s, earlier.replays))
    return Verdict(draft, answers, trace=earlier.trace)


def announced(verdict: Verdict) -> list[Parcel]:
    """What the client is told of its project, and the others of a new one."""
    owner = verdict.draft.owner
    if verdict.error is not None:
        return rejected(verdict.draft.delivery, verdict.error, owner.created_at)
    below = headers_below(verdict.trace, owner.id)
    parcels = [
        parcel
        for answer in verdict.answers
        for parcel in reply(owner.reply_to, owner.correlation_id, owner.id, answer, headers=below)
    ]
    if verdict.is_new:
        parcels.append(project_event(owner, "accepted", owner.created_at))
    return parcels


def rejected(delivery: Delivery, error: InvalidInput, now: float) -> list[Parcel]:
    """A dead letter with the reason, and an answer where one can be sent."""
    info = ErrorInfo(
        code=error.code,
        message=shortened(error.message, MAX_REASON_CHARS),
        pointer=shortened(error.pointer, MAX_POINTER_CHARS),
        permanent=not isinstance(error, RateLimited),
    )
    retry_after_s = error.retry_after_s if isinstance(error, RateLimited) else None
    refusal = Rejected(error=info, retry_after_s=retry_after_s)
    before = delivery.properties
    answer = reply(answer_address(delivery), before.correlation_id, None, refusal, headers=headers_back(before.headers))
    return [dead_letter(delivery, error, now), *answer]
