"""Settling in few frames settles what was told, and nothing else."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from warren.broker.port import Properties, Verdict
from warren.broker.rabbit import wire
from warren.broker.rabbit.intake import Intake
from warren.broker.rabbit.wire import FRAME_START, SETTLEMENT

CHANNEL = 7


def delivered(intake, count):
    for tag in range(1, count + 1):
        method = (
            b"\x00\x3c\x00\x3c"
            + wire.short("ctag")
            + wire.TAG_AND_BITS.pack(tag, 0)
            + wire.short("x")
            + wire.short("k")
        )
        assert intake.take(wire.METHOD, method)
        header = next(wire.content(CHANNEL, outgoing(b"ab"), "id", 1000))[FRAME_START.size : -1]
        assert intake.take(wire.HEADER, header)
        assert intake.take(wire.BODY, b"a")
        assert intake.take(wire.BODY, b"b")
    return intake.hand_out(count)


def outgoing(body):
    from warren.broker.port import Outgoing

    return Outgoing("x", "k", body, Properties())


class Broker:
    """What RabbitMQ does with settlements: an unknown tag is an error."""

    def __init__(self, count):
        self.unsettled = set(range(1, count + 1))
        self.verdicts = {}
        self.frames = 0

    def read(self, data):
        for at in range(0, len(data), SETTLEMENT.size):
            _, channel, _, _, method, tag, bits, end = SETTLEMENT.unpack_from(data, at)
            assert (channel, end) == (CHANNEL, wire.FRAME_END)
            self.frames += 1
            tags = {t for t in self.unsettled if t <= tag} if method == 80 and bits & 1 else {tag}
            assert tags
            assert tags <= self.unsettled
            self.unsettled -= tags
            kind = {80: Verdict.ACK, 90: Verdict.REJECT, 120: Verdict.REQUEUE}[method]
            assert kind is not Verdict.REQUEUE or bits == 2
            self.verdicts |= dict.fromkeys(tags, kind)


@given(st.data(), st.integers(1, 40))
def test_every_delivery_gets_its_own_verdict_in_whatever_order(data, count):
    intake = Intake(1, asyncio.Event())
    deliveries = delivered(intake, count)
    broker = Broker(count)
    order = data.draw(st.permutations(deliveries))
    told = {}
    while order:
        size = data.draw(st.integers(1, len(order)))
        chunk, order = order[:size], order[size:]
        verdicts = [(delivery, data.draw(st.sampled_from(Verdict))) for delivery in chunk]
        told |= {delivery.tag[1]: verdict for delivery, verdict in verdicts}
        broker.read(intake.settlement(CHANNEL, verdicts))
        assert broker.verdicts == told


def test_a_hundred_acks_in_order_are_one_frame():
    intake = Intake(1, asyncio.Event())
    broker = Broker(100)
    broker.read(intake.settlement(CHANNEL, [(d, Verdict.ACK) for d in delivered(intake, 100)]))
    assert (broker.frames, broker.unsettled) == (1, set())


def test_a_second_verdict_and_one_of_another_incarnation_are_left_out():
    intake = Intake(2, asyncio.Event())
    (delivery,) = delivered(intake, 1)
    (stranger,) = delivered(Intake(1, asyncio.Event()), 1)
    assert intake.settlement(CHANNEL, [(stranger, Verdict.ACK)]) == b""
    assert intake.settlement(CHANNEL, [(delivery, Verdict.ACK)]) != b""
    assert intake.settlement(CHANNEL, [(delivery, Verdict.ACK)]) == b""


def test_a_body_in_pieces_is_put_together():
    assert [delivery.body for delivery in delivered(Intake(1, asyncio.Event()), 2)] == [b"ab", b"ab"]
