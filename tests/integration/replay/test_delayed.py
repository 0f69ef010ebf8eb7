"""Work that waits for its time, on a real broker with real processes."""

import time
from datetime import UTC, datetime, timedelta
from statistics import mean

import pytest

from warren.errors import InvalidInput, ProjectFailed

pytestmark = pytest.mark.timeout(240)
LATE_S = 0.4
"""More than that late is a fault, also on a busy machine; at rest it is milliseconds."""


async def test_a_task_begins_when_its_delay_is_over_and_not_before(shop):
    shop.mend()
    plan = shop.chain(n=1)
    plan["plan"]["steps"]["mended"]["delay_s"] = 1.3
    before = time.time()
    handle = await shop.client.submit(plan=plan)
    assert (await handle.result())["sum"] == 1
    [(_, attempt, begun)] = shop.tries()
    assert attempt == 1
    assert begun - before >= 1.3
    assert begun - before < 1.3 + 2.0


@pytest.mark.alone
async def test_tasks_begin_at_the_times_that_their_items_name(shop):
    shop.mend()
    start = time.time() + 2.5
    moments = [start + 0.037 * number for number in range(40)]
    items = [{"n": n, "kind": "fail", "at": iso(moment)} for n, moment in enumerate(moments)]
    plan = shop.each()
    plan["plan"]["do"]["not_before"] = "item.at"
    handle = await shop.client.submit(plan=plan, input={"items": items})
    assert (await handle.result())["items"] == 40
    late = [begun - moments[n] for n, _, begun in shop.tries()]
    assert min(late) >= 0.0
    assert mean(late) < LATE_S, [round(1000 * each) for each in late]


async def test_a_project_begins_when_it_may(shop):
    shop.mend()
    moment = datetime.now(UTC) + timedelta(seconds=1.5)
    handle = await shop.client.submit(plan=shop.chain(n=1), not_before=moment, timeout_s=30)
    status = await handle.status()
    assert (status.status, len(status.tree)) == ("open", 1)
    assert (await handle.result())["sum"] == 1
    [(_, _, begun)] = shop.tries()
    assert begun >= moment.timestamp()


async def test_a_project_that_waits_can_be_cancelled_and_can_expire(shop):
    late = await shop.client.submit(plan=shop.chain(), delay_s=3600)
    await late.cancel("enough")
    assert (await late.status()).status == "cancelled"
    with pytest.raises(InvalidInput) as refused:
        await shop.client.submit(plan=shop.chain(), delay_s=60, deadline=datetime.now(UTC) + timedelta(seconds=30))
    assert refused.value.code == "due_after_deadline"
    assert shop.tries() == []


async def test_a_task_that_waits_is_stopped_with_its_project(shop):
    shop.mend()
    plan = shop.chain(n=1)
    plan["plan"]["steps"]["mended"]["delay_s"] = 1.0
    handle = await shop.client.submit(plan=plan)
    await shop.until_planned(handle)
    await handle.cancel("enough")
    after = await shop.client.submit(plan=shop.chain(n=2), delay_s=1.5)
    with pytest.raises(ProjectFailed, match="enough"):
        await handle.result()
    assert (await after.result())["sum"] == 2
    assert [n for n, _, _ in shop.tries()] == [2]


async def test_a_delayed_task_of_a_project_that_ends_before_fails_at_once(shop):
    plan = shop.chain(n=1)
    plan["plan"]["steps"]["mended"]["delay_s"] = 60
    handle = await shop.client.submit(plan=plan, timeout_s=30)
    with pytest.raises(ProjectFailed, match="due_after_deadline"):
        await handle.result()


@pytest.mark.chaos
async def test_what_waits_survives_the_death_of_all_coordinators(own_shop):
    shop = own_shop
    shop.mend()
    plan = shop.chain(n=1)
    plan["plan"]["steps"]["mended"]["delay_s"] = 2.0
    before = time.time()
    handle = await shop.client.submit(plan=plan)
    later = await shop.client.submit(plan=shop.chain(n=2), delay_s=2.0)
    await shop.until_planned(handle)
    for name in ("director", "lead menders"):
        shop.cluster.kill(name)
    shop.cluster.start("director", "director")
    shop.cluster.start("lead menders", "teamlead", "--team", "menders")
    await shop.until(handle, "succeeded")
    await shop.until(later, "succeeded")
    assert sorted(n for n, _, _ in shop.tries()) == [1, 2]
    assert all(begun - before >= 2.0 for _, _, begun in shop.tries())


def iso(moment):
    return datetime.fromtimestamp(moment, UTC).isoformat()
