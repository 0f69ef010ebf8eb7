"""What has come and is unread is bounded in bytes, however many messages the prefetch allows."""

import asyncio

import pytest

from warren.broker.port import Outgoing
from warren.broker.rabbit import intake as intake_module
from warren.broker.rabbit import wire
from warren.broker.rabbit.inflow import Inflow
from warren.broker.rabbit.intake import Intake
from warren.broker.rabbit.wire import FRAME_START, SETTLEMENT


class Tap:
    """A valve that counts."""

    def __init__(self):
        self.is_shut, self.shuts = False, 0

    def shut(self):
        self.is_shut, self.shuts = True, self.shuts + 1

    def open(self):
        self.is_shut = False


def deliver(intake, tag, body):
    bits = wire.TAG_AND_BITS.pack(tag, 0)
    intake.take(wire.METHOD, b"\x00\x3c\x00\x3c" + wire.short("c") + bits + wire.short("x") + wire.short("k"))
    intake.take(wire.HEADER, next(wire.content(7, Outgoing("x", "k", body), "id", 1 << 20))[FRAME_START.size : -1])
    intake.take(wire.BODY, body)


@pytest.fixture
def valve():
    return Tap()


@pytest.fixture
def intake(valve):
    return Intake(1, asyncio.Event(), Inflow(valve, limit_bytes=1_000))


async def test_the_socket_is_not_read_while_too_much_waits(intake, valve):
    for tag in (1, 2):
        deliver(intake, tag, b"x" * 500)
    assert not valve.is_shut
    deliver(intake, 3, b"x")
    assert valve.is_shut
    assert len(intake.hand_out(1)) == 1
    assert valve.is_shut
    assert len(intake.hand_out(1)) == 1
    assert not valve.is_shut


@pytest.mark.parametrize("end", ["lose", "abandon"])
async def test_what_is_not_kept_does_not_count(intake, valve, end):
    deliver(intake, 1, b"x" * 1_500)
    assert valve.is_shut
    if end == "lose":
        intake.lose(ConnectionError())
    else:
        intake.abandon()
    assert not valve.is_shut


async def test_what_comes_after_the_end_is_given_back_and_not_kept(intake, valve):
    deliver(intake, 1, b"x" * 900)
    intake.abandon()
    deliver(intake, 2, b"x" * 900)
    deliver(intake, 3, b"x" * 900)
    assert valve.shuts == 0
    assert len(intake.give_back_unread(7)) == 3 * SETTLEMENT.size


async def test_a_batch_holds_no_more_bytes_than_it_may_and_at_least_one_delivery(intake, monkeypatch):
    monkeypatch.setattr(intake_module, "BATCH_BYTES", 100)
    for tag, size in enumerate((60, 40, 1, 500, 10), start=1):
        deliver(intake, tag, b"x" * size)
    batches = iter(lambda: [len(each.body) for each in intake.hand_out(256)], [])
    assert list(batches) == [[60, 40], [1], [500], [10]]
