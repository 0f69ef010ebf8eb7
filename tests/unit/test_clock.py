import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.clock import SystemClock, VirtualClock


async def asleep(clock, *spans):
    """Tasks that sleep so long and note when they wake, in the order in which they do."""
    woken = []

    async def sleep(name, seconds):
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleep(number, span)) for number, span in enumerate(spans)]
    await asyncio.sleep(0)
    return woken, tasks


async def test_a_virtual_clock_stands_still_until_it_is_moved():
    clock = VirtualClock(100.0)
    woken, tasks = await asleep(clock, 5)
    assert (clock.now(), clock.next_wake(), woken) == (100.0, 105.0, [])
    clock.advance(4.999)
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(0.001)
    await asyncio.gather(*tasks)
    assert woken == [(0, 105.0)]
    assert clock.next_wake() is None


@given(st.lists(st.integers(0, 50), max_size=8))
async def test_sleepers_wake_in_the_order_of_their_times_and_then_of_their_coming(spans):
    clock = VirtualClock(0.0)
    woken, tasks = await asleep(clock, *spans)
    clock.advance(50)
    await asyncio.gather(*tasks)
    assert [name for name, _ in woken] == sorted(range(len(spans)), key=lambda number: spans[number])
    assert clock.now() == 50


async def test_a_sleeper_who_is_cancelled_is_forgotten():
    clock = VirtualClock(0.0)
    woken, (early, late) = await asleep(clock, 1, 2)
    early.cancel()
    await asyncio.wait([early])
    assert clock.next_wake() == 2
    clock.advance(2)
    await late
    assert woken == [(1, 2.0)]


async def test_the_past_is_left_alone():
    clock = VirtualClock(10.0)
    clock.advance_to(5.0)
    assert clock.now() == 10.0


async def test_who_sleeps_for_no_time_wakes_when_time_is_touched():
    clock = VirtualClock(10.0)
    woken, tasks = await asleep(clock, -5, 0)
    clock.advance(0)
    await asyncio.gather(*tasks)
    assert woken == [(0, 10.0), (1, 10.0)]


async def test_the_systems_clock_tells_the_machines_time_and_pauses():
    clock = SystemClock()
    assert clock.now() == pytest.approx(time.time(), abs=5)
    before = time.monotonic()
    await clock.sleep(0.02)
    assert time.monotonic() - before >= 0.019
