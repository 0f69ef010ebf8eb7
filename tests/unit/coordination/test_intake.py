"""How a batch is taken in when something is wrong with it that nobody foresaw."""

import pytest

from warren.broker.port import Delivery, Outgoing, Properties, Verdict
from warren.coordination.intake import dead_letter, handled, take_in
from warren.coordination.parcel import Parcel
from warren.errors import InvalidInput, LedgerUnavailable
from warren.telemetry.metrics import Metrics

QUEUE = "warren.projects"


def delivery(body, tag=1):
    return Delivery(QUEUE, "warren.ingress", "project.x", body, Properties(), False, (1, tag))  # noqa: FBT003


async def careful(batch):
    """Fails on every batch that has poison in it."""
    if any(each.body == b"poison" for each in batch):
        raise ZeroDivisionError
    return [Parcel(Outgoing("x", "y", each.body)) for each in batch]


async def test_a_message_that_nobody_foresaw_is_buried_alone():
    parcels = await handled(careful, [delivery(b"a"), delivery(b"poison"), delivery(b"b")])
    first, letter, last = (parcel.message for parcel in parcels)
    assert (first.body, last.body) == (b"a", b"b")
    assert (letter.exchange, letter.routing_key, letter.body) == ("warren.dead", "projects", b"poison")
    assert letter.properties.headers["x-warren-error-code"] == "internal_error"
    assert "ZeroDivisionError" in letter.properties.headers["x-warren-error"]


async def test_what_warren_says_on_purpose_is_not_a_messages_fault():
    async def no_ledger(_):
        raise LedgerUnavailable("gone")

    with pytest.raises(LedgerUnavailable):
        await handled(no_ledger, [delivery(b"a"), delivery(b"b")])


class Queue:
    """One batch, and what became of it."""

    def __init__(self, *batch):
        self.batches = [list(batch), []]
        self.verdicts = {}

    async def receive(self, _):
        return self.batches.pop(0)

    async def settle(self, verdicts):
        self.verdicts.update({each.body: verdict for each, verdict in verdicts})


async def only_letters_are_refused(parcels):
    return [parcel for parcel in parcels if parcel.message.exchange == "warren.dead"]


async def test_what_cannot_be_buried_with_its_reason_is_left_to_the_broker():
    async def refuse_b(batch):
        return [dead_letter(each, InvalidInput("no", "no")) for each in batch if each.body == b"b"]

    queue = Queue(delivery(b"a", 1), delivery(b"b", 2))
    await take_in(queue, only_letters_are_refused, refuse_b, Metrics())
    assert queue.verdicts == {b"a": Verdict.ACK, b"b": Verdict.REJECT}
