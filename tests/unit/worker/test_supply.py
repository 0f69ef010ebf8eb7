"""How many deliveries lie ready in a worker."""

import asyncio

from warren import skill
from warren.messages.task import Task, TaskMessage
from warren.testing.patience import wait_until
from worker import suspicion
from worker.pace import FAST_S, LEARNT_FROM, SLOW_S, Pace

SLOTS = 2


def test_a_pace_is_known_after_some_messages_and_follows_what_they_take():
    pace = Pace()
    for _ in range(LEARNT_FROM - 1):
        pace.learn(FAST_S / 2)
    assert (pace.is_fast, pace.is_slow) == (False, False)

    pace.learn(FAST_S / 2)
    assert pace.is_fast
    for _ in range(50):
        pace.learn(2 * SLOW_S)
    assert (pace.is_fast, pace.is_slow) == (False, True)


def test_a_clock_that_was_set_back_makes_nothing_faster_than_no_time():
    pace = Pace()
    for _ in range(LEARNT_FROM):
        pace.learn(-1000.0)
    for _ in range(LEARNT_FROM):
        pace.learn(2 * SLOW_S)

    assert pace.is_slow


class Pile:
    """A skill that is fast until it is told to stay."""

    def __init__(self, house):
        self.stay = False
        self.begun = 0
        self.go = asyncio.Event()

        @skill("s", concurrency=SLOTS)
        async def work(seconds: float) -> dict:
            self.begun += 1
            if self.stay:
                await self.go.wait()
            house.clock.advance(seconds)
            return {}

        self.work = work


async def worked_off(house, count, seconds=0.0, first=0):
    for n in range(first, first + count):
        await house.give(Task(id=f"p/0/{n}", input={"seconds": seconds}))
    await house.results(count)


async def filled(house, pile):
    """How many of ten tasks stay in the queue while the slots are busy."""
    pile.stay, begun = True, pile.begun
    for n in range(500, 510):
        await house.give(Task(id=f"p/0/{n}", input={"seconds": 0.0}))
    await wait_until(lambda: pile.begun == begun + SLOTS)
    return await house.left()


async def test_a_fast_skill_has_some_messages_ready_and_gives_them_back_when_it_stops(house, serve):
    pile = Pile(house)
    async with house.worker(serve(pile.work)) as role:
        await worked_off(house, 2 * LEARNT_FROM)
        await wait_until(lambda: house.consumers() == 2)
        assert await filled(house, pile) == 10 - 4 * SLOTS

        draining = asyncio.ensure_future(role.drain(20))
        await wait_until(lambda: house.consumers() == 0)
        pile.go.set()
        await draining
        left = await house.deliveries("warren.work.t.s", 10 - SLOTS)

    assert not any(delivery.redelivered or suspicion.HEADER in delivery.properties.headers for delivery in left)
    assert {delivery.properties.type for delivery in left} == {TaskMessage.TYPE}
    assert await house.left() == 0


async def test_a_slow_skill_has_none(house, serve):
    pile = Pile(house)
    async with house.worker(serve(pile.work)):
        await worked_off(house, 2 * LEARNT_FROM, seconds=SLOW_S)
        assert await filled(house, pile) == 10 - SLOTS
        pile.go.set()
        await house.results(10)


async def test_a_skill_that_turns_out_slow_after_all_has_none_from_then_on(house, serve):
    pile = Pile(house)
    async with house.worker(serve(pile.work)):
        await worked_off(house, 2 * LEARNT_FROM)
        await wait_until(lambda: house.consumers() == 2)
        await worked_off(house, 4 * LEARNT_FROM, seconds=3 * SLOW_S, first=100)
        await wait_until(lambda: house.consumers() == 1)
        assert await filled(house, pile) == 10 - SLOTS
        pile.go.set()
        await house.results(10)
