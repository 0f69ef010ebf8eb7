"""What ends work from outside: deadlines and cancellation, wherever the work is at that moment."""

import asyncio
import time
from pathlib import Path

import pytest

from warren.testing.patience import wait_until

END_S = 90
TIMEOUT_S = 3.0
SOON_S = 1.0
"""A client hears within this time of a deadline."""
SPARE_S = 1.0
"""For a machine that has other things to do as well."""
NAP_S = 61234.5


async def end(house, plan):
    """(how a project with a deadline ends, how long after the deadline the client hears it)"""
    handle = await house.client.submit(**plan, timeout_s=TIMEOUT_S)
    ended = await handle.finished()
    return ended.outcome.status, time.time() - ended.accepted_s - TIMEOUT_S


def running(word):
    """The processes with this word in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


def is_alive(pid):
    return Path(f"/proc/{pid}").exists()


@pytest.mark.alone
async def test_a_client_hears_of_a_deadline_within_a_second_wherever_the_work_is(house, over):
    """Some run, some are on the ladder, most wait in the queue: none of them begins after the deadline."""
    notes = house.notes()
    plans = [
        [{"n": n, "seconds": 600.0} for n in range(4)],
        [{"n": n, "kind": "retry", "first_wait_s": 2.5} for n in range(10, 14)],
        [{"n": n, "seconds": 600.0} for n in range(100, 140)],
    ]
    async with asyncio.timeout(END_S):
        ends = await asyncio.gather(*(end(house, over(items, log=str(notes.path))) for items in plans))
        deadline_s = time.time()
        await wait_until(lambda: len(notes.lines("cancelled")) >= 8, timeout_s=10)
        done = await house.client.submit(**over([{"n": 999}], log=str(notes.path)))
        await done.result()  # behind all that was stale

    assert {status for status, _ in ends} == {"expired"}
    assert max(lateness_s for _, lateness_s in ends) < SOON_S + SPARE_S
    begun = {line[1]: float(line[3]) for line in notes.lines("begun") if float(line[3]) > deadline_s}
    assert set(begun) == {"999"}


async def test_a_cancelled_project_stops_in_every_place_where_it_is(house, over):
    """On the loop, in threads, in processes, in programs, in queues and on the ladder."""
    notes, nap = house.notes(), str(NAP_S)
    log = str(notes.path)
    plans = {
        "loop": over([{"n": n, "seconds": 600.0} for n in range(40)], log=log),
        "thread": over([{"n": n, "seconds": 600.0} for n in range(40, 80)], "plainly", log=log),
        "process": over([{"n": n, "seconds": 600.0} for n in range(80, 90)], "burn", log=log),
        "program": over([{"seconds": nap} for _ in range(3)], "nap"),
    }
    async with asyncio.timeout(END_S):
        waiting = await house.client.submit(**over([{"n": 500, "kind": "retry", "first_wait_s": 4.0}], log=log))
        await wait_until(lambda: [line for line in notes.lines("begun") if line[1] == "500"], timeout_s=20)
        handles = [waiting, *[await house.client.submit(**plan) for plan in plans.values()]]
        await wait_until(lambda: len(notes.lines("begun")) >= 1 + 8 + 4 + 2 and running(nap), timeout_s=30)
        burning = [int(line[2]) for line in notes.lines("begun") if 80 <= int(line[1]) < 90]
        begun = len(notes.lines("begun"))
        await asyncio.gather(*(handle.cancel("enough") for handle in handles))
        outcomes = [await handle.outcome() for handle in handles]
        await wait_until(lambda: len(notes.lines("cancelled")) == 8 + 4, timeout_s=15)
        await wait_until(lambda: not running(nap) and not any(map(is_alive, burning)), timeout_s=15)
        for skill in ("work", "plainly", "burn", "nap"):
            await wait_until(lambda skill=skill: _is_empty(house, skill), timeout_s=15)
        await wait_until(lambda: _none_on_the_ladder(house), timeout_s=15)

    assert [outcome.status for outcome in outcomes] == ["cancelled"] * 5
    assert len(notes.lines("begun")) == begun, "nothing began after the end"


async def _is_empty(house, skill):
    return await house.queued(skill) == 0


async def _none_on_the_ladder(house):
    depths = [await house.broker.depth(f"warren.retry.{level}") for level in range(16)]
    return sum(depth.messages for depth in depths) == 0
