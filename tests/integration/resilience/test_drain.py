"""Workers that leave under load: on SIGTERM, and because they have worked enough."""

import asyncio
import signal
from collections import Counter

import pytest

from topology.holding import longest_hold_s
from warren.testing.patience import wait_until

WORKER = "worker crew"
END_S = 90
TASKS = 400
RECYCLED = 2
"""Workers that 400 tasks wear out at the least: a limit of 100 is noticed when up to 8 bundles of 5 are at work."""


def ended_once(notes):
    """Whether each handler that began has ended, and none ran twice."""
    begun, ended = (Counter(line[1] for line in notes.lines(word)) for word in ("begun", "ended"))
    return begun == ended == Counter(str(n) for n in range(TASKS))


async def test_sigterm_under_load_loses_no_attempt_and_repeats_no_finished_task(supervised, over):
    notes = supervised.notes()
    supervised.start("worker crew 2")
    items = [{"n": n} for n in range(TASKS)]
    async with asyncio.timeout(END_S):
        handle = await supervised.client.submit(**over(items, seconds=0.1, log=str(notes.path)))
        for stops, name in enumerate((WORKER, "worker crew 2", WORKER), 1):
            ended = len(notes.lines("ended"))
            await wait_until(lambda ended=ended: len(notes.lines("ended")) >= ended + 20, timeout_s=30)
            supervised.cluster.members[name].process.send_signal(signal.SIGTERM)
            await wait_until(lambda stops=stops: len(supervised.deaths) == stops, timeout_s=30)
        output = await handle.result()

    assert len(output["items"]) == TASKS
    assert supervised.deaths == [0, 0, 0]
    assert ended_once(notes)


async def test_a_worker_leaves_after_as_many_tasks_as_are_allowed_and_nothing_is_lost(supervised, over):
    notes = supervised.notes()
    supervised.options[WORKER] = ("--max-tasks", "100")
    supervised.cluster.members[WORKER].process.send_signal(signal.SIGTERM)
    items = [{"n": n} for n in range(TASKS)]
    async with asyncio.timeout(END_S):
        handle = await supervised.client.submit(**over(items, seconds=0.01, log=str(notes.path)))
        await handle.result()
        await wait_until(lambda: len(supervised.deaths) >= RECYCLED + 1, timeout_s=30)

    assert set(supervised.deaths) == {0}
    assert ended_once(notes)


async def test_a_skill_that_may_outlast_the_brokers_patience_is_refused_at_the_start(house):
    if longest_hold_s("classic", house.broker.server_version) is None:
        pytest.skip("this broker gives a task more time; the decision for each version has a test of its own")
    file = house.folder / "cluster.yaml"
    file.write_text(file.read_text().replace("work: {", "work: {timeout_s: 7200, "))
    member = house.start("worker crew 2")
    code = await asyncio.to_thread(member.process.wait, 30)
    member.process.stdin.close()
    said = member.log.read_text()

    assert code != 0
    assert "'work' of team crew may run for 7200 s" in said
    assert "consumer_timeout" in said
    member = house.start("worker crew 2", "--consumer-timeout-s", "14400")
    await wait_until(lambda: member.says("readyz"), timeout_s=30)
