"""Who goes first, and who shares what with whom."""

import asyncio
import time
from collections import defaultdict
from statistics import mean

import pytest

from topology.profile import QUORUM_PRIORITIES_SINCE, version_of
from warren.testing.patience import wait_until

END_S = 110
LOW = 5_000
URGENT = 20
FLOOD = 2_000
EBB = 200
"""What is left of the flood when it no longer keeps the queue filled."""
PATIENT = 400
SLOTS = 8
WORKERS = 2
AT_WORST = 1.15
"""Times the ideal."""


@pytest.mark.parametrize("profile", ["classic", "quorum"])
async def test_an_urgent_project_overtakes_a_backlog_of_5000_low_tasks(house, over, profile):
    if profile == "quorum" and version_of(house.broker.server_version) < QUORUM_PRIORITIES_SINCE:
        pytest.skip("quorum queues of this broker know no priorities")
    notes, hurried = house.notes("low"), house.notes("urgent")
    low = over([{"n": n} for n in range(LOW)], window=LOW, seconds=0.01, log=str(notes.path))
    urgent = over([{"n": n} for n in range(URGENT)], seconds=0.01, log=str(hurried.path))
    async with asyncio.timeout(END_S):
        backlog = await house.client.submit(**low, priority="low")
        await wait_until(lambda: len(notes.lines("ended")) > 50, timeout_s=30)
        began_s = time.monotonic()
        await (await house.client.submit(**urgent, priority="urgent")).result()
        took_s, overtaken = time.monotonic() - began_s, LOW - len(notes.lines("ended"))
        await backlog.cancel()

    print(f"{profile}: {URGENT} urgent tasks took {took_s:.2f} s, ahead of {overtaken} low ones")  # noqa: T201
    assert overtaken > LOW / 2


def ideal_s(notes):
    """How long all of it would take if no slot ever waited: each worker's slots at the pace that they really had."""
    begun = {line[1]: float(line[3]) for line in notes.lines("begun")}
    took = defaultdict(list)
    for _, n, _, ended_s, worker in notes.lines("ended"):
        took[worker].append(float(ended_s) - begun[n])
    assert len(took) == WORKERS
    return len(begun) / sum(SLOTS / mean(times) for times in took.values())


@pytest.mark.alone
@pytest.mark.parametrize(("tasks", "seconds"), [(1200, 0.03), (3000, 0.01)], ids=["one by one", "in bundles"])
async def test_a_worker_ten_times_slower_holds_up_nobody(house, over, tasks, seconds):
    slow = house.cluster.start("worker slow", "slow_worker", "--team", "crew")
    await wait_until(lambda: slow.says("readyz"), timeout_s=30)
    notes = house.notes()
    async with asyncio.timeout(END_S):
        plan = over([{"n": n} for n in range(tasks)], window=tasks, seconds=seconds, log=str(notes.path))
        await (await house.client.submit(**plan)).result()

    first_s, last_s = float(notes.lines("begun")[0][3]), float(notes.lines("ended")[-1][3])
    times = (last_s - first_s) / ideal_s(notes)
    print(f"{tasks} tasks of {seconds:g} s, workers of speeds 1 and 10: {times:.3f} times the ideal")  # noqa: T201
    assert times < AT_WORST


async def test_a_share_of_low_work_goes_on_under_a_flood_of_normal_work(house, over):
    """Without it not one of the low tasks would begin before the flood is over."""
    flood_notes, notes = house.notes("flood"), house.notes("low")
    flood = over([{"n": n} for n in range(FLOOD)], window=FLOOD // 4, seconds=0.02, log=str(flood_notes.path))
    low = over([{"n": n} for n in range(PATIENT)], window=PATIENT // 2, seconds=0.02, log=str(notes.path))
    async with asyncio.timeout(END_S):
        flooding = await house.client.submit(**flood)
        await wait_until(lambda: len(flood_notes.lines("ended")) > 50, timeout_s=30)
        patient = await house.client.submit(**low, priority="low")
        await wait_until(lambda: len(flood_notes.lines("ended")) >= FLOOD - EBB, timeout_s=60)
        meanwhile = len(notes.lines("ended"))
        await flooding.result()
        await patient.result()

    print(f"{meanwhile} of {PATIENT} low tasks ended before {FLOOD - EBB} of {FLOOD} normal ones had")  # noqa: T201
    assert PATIENT / 16 <= meanwhile < PATIENT
