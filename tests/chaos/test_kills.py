"""`kill -9` for every process, again and again, while a project runs."""

import asyncio
from random import Random

import pytest

pytestmark = [pytest.mark.chaos, pytest.mark.broker, pytest.mark.timeout(240)]
ROLES = ("director", "lead crew", "worker crew")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.endurance])])
def ledger_url(request):
    """None: the cluster's own SQLite file."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_database_url")


async def test_every_process_is_killed_once_while_a_project_runs(settle_in, amqp_vhost_url, ledger_url):
    tasks = 600
    async with settle_in(amqp_vhost_url, ledger_url=ledger_url) as house:
        handle = await house.begin(tasks, ms=10)
        for share, name in enumerate(ROLES):
            await house.done(handle, 100 * (share + 1))
            house.cluster.restart(name)
        await house.end(handle, tasks)


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(3))
async def test_somebody_is_killed_every_other_moment_of_some_thousand_tasks(
    settle_in, amqp_vhost_url, ledger_url, seed
):
    tasks, random = 4_000, Random(seed)
    async with settle_in(amqp_vhost_url, ledger_url=ledger_url) as house:
        for name, command in {"director 2": "director", "lead crew 2": "teamlead"}.items():
            house.cluster.start(name, command, *(["--team", "crew"] if command == "teamlead" else []))
        await house.cluster.ready()
        handle = await house.begin(tasks, window=500, ms=5)
        killing = asyncio.ensure_future(kill_on(house.cluster, random))
        async with asyncio.timeout(150):
            await handle.outcome()
        killing.cancel()
        await asyncio.wait([killing])
        await house.end(handle, tasks)


async def kill_on(cluster, random):
    """Each time somebody else, mostly before the one before is back at work."""
    while True:
        await asyncio.sleep(random.uniform(0.2, 3.0))
        cluster.restart(random.choice(sorted(cluster.members)))
