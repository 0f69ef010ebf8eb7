"""A worker that makes room for a fresh process."""

import asyncio
import threading

import pytest

from warren import skill
from warren.clock import VirtualClock
from warren.messages.task import Task
from warren.skills.registry import load_skills
from warren.testing.patience import wait_until
from worker.recycling import MEBIBYTE, Recycling, memory_bytes
from worker.station import station
from worker.threads import ABANDONED
from worker.worker import Options


async def test_it_is_due_after_as_many_tasks_as_are_allowed():
    recycling = Recycling(max_tasks=2)
    due = asyncio.ensure_future(recycling.due(VirtualClock()))

    recycling.count()
    await asyncio.sleep(0)
    assert (due.done(), recycling.reason) == (False, None)
    recycling.count()
    recycling.count()
    await due

    assert recycling.reason == "it has run 2 tasks; its limit is 2"


async def test_it_is_due_when_memory_is_above_its_limit():
    clock, used = VirtualClock(), [10]
    recycling = Recycling(max_memory_mb=10, memory=lambda: used[0] * MEBIBYTE)
    due = asyncio.ensure_future(recycling.due(clock))
    await wait_until(lambda: clock.next_wake() is not None)

    used[0] = 11
    assert not due.done()
    clock.advance(1.0)
    await due

    assert recycling.reason == "it uses 11 MiB of memory; its limit is 10"


async def test_it_is_due_when_it_is_told_and_says_by_whom():
    recycling = Recycling()
    recycling.leave("an operator told it to")
    async with asyncio.timeout(5):
        await recycling.due(VirtualClock())
    recycling.leave("something else")

    assert recycling.reason == "an operator told it to"


@pytest.mark.parametrize("key", ["agent.me", "team.t", "role.worker"])
async def test_who_is_told_to_leave_finishes_what_runs_and_ends(house, serve, key):
    begun, go_on = asyncio.Event(), asyncio.Event()

    @skill("s", concurrency=1)
    async def wait() -> dict:
        begun.set()
        await go_on.wait()
        return {}

    async with house.worker(serve(wait)) as role:
        await house.give({})
        await begun.wait()
        await house.drain("all")
        await house.drain("agent.somebody-else")
        await house.drain(key)
        await wait_until(lambda: role.waiting_for == "it is leaving: an operator told it to: enough")
        assert not role.running.done()
        go_on.set()
        assert [result.outcome.status for result in await house.results(1)] == ["succeeded"]
        await role.running


async def test_without_limits_it_is_never_due():
    recycling = Recycling()
    for _ in range(1000):
        recycling.count()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await recycling.due(VirtualClock())


def test_memory_is_that_of_this_process_now():
    before = memory_bytes()
    block = bytearray(64 * MEBIBYTE)

    assert memory_bytes() - before > 32 * MEBIBYTE
    del block
    assert 5 * MEBIBYTE < memory_bytes() < before + 32 * MEBIBYTE


async def test_a_worker_that_has_had_enough_finishes_what_runs_and_leaves_the_rest(house, serve):
    begun, go = [], asyncio.Event()

    @skill("s", concurrency=2)
    async def work(n: int) -> dict:
        begun.append(n)
        if n == 1:
            await go.wait()
        return {}

    async with house.worker(serve(work), options=Options(max_tasks=1)) as role:
        for n in (1, 0, 2, 3):
            await house.give(Task(id=f"p/0/{n}", input={"n": n}))
        await wait_until(lambda: "its limit is 1" in (role.waiting_for or ""))
        await wait_until(lambda: house.consumers() == 0)
        assert not role.running.done()
        go.set()
        await asyncio.wait_for(role.running, 20)
        results = await house.results(len(begun))

    assert [result.outcome.status for result in results] == ["succeeded"] * len(begun)
    assert len(begun) + await house.left() == 4


LEAK = """
from warren import skill

kept = []

@skill("s", cpu=True)
def leak(mebibytes: int) -> dict:
    kept.append(bytearray(mebibytes * 1024 * 1024))
    return {}
"""


async def test_what_leaks_in_a_process_for_handlers_counts_as_well(house, write):
    (found,) = load_skills([write("leaky", LEAK)])
    limit_mb = memory_bytes() // MEBIBYTE + 250
    async with house.worker(station("t", found, concurrency=1), options=Options(max_memory_mb=limit_mb)) as role:
        for n, mebibytes in enumerate((1, 400)):
            assert role.waiting_for is None
            await house.give(Task(id=f"p/0/{n}", input={"mebibytes": mebibytes}))
            await house.results(1)
            house.clock.advance(1.0)
        await wait_until(lambda: f"its limit is {limit_mb}" in (role.waiting_for or ""))
        await asyncio.wait_for(role.running, 20)


async def test_a_worker_whose_threads_are_all_held_by_handlers_that_do_not_end_leaves(house, serve):
    go = threading.Event()

    @skill("s", concurrency=8, timeout_s=0.01, max_attempts=1)
    def hang() -> dict:
        go.wait(60)
        return {}

    try:
        async with house.worker(serve(hang)) as role:
            for n in range(ABANDONED):
                assert role.waiting_for is None
                await house.give(Task(id=f"p/0/{n}", input={}))
            assert {result.outcome.error.code for result in await house.results(ABANDONED)} == {"handler_timeout"}
            await wait_until(lambda: f"{ABANDONED} handlers in threads go on" in (role.waiting_for or ""))
            await asyncio.wait_for(role.running, 20)
    finally:
        go.set()
