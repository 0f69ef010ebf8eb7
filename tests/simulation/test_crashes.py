"""A crash between any two steps of "commit, publish, ack" loses nothing and doubles nothing in the ledger."""

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warren.ids import is_within
from warren.ledger.outbox import stale_unreported, unsent_of
from warren.ledger.rebuild import rebuild
from warren.messages.outcome import ErrorInfo, Failed, Succeeded

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
SUBMISSION = {"id": PROJECT, "playbook": "tall", "input": {"items": [1, 2, 3], "more": 10}}
OUTPUT = {"sum": 12, "deep": 24, "flat": 20}
STEPS_OF_A_LIFE = 160
"""More than a life without crashes has; the steps beyond it are those that earlier crashes added."""


async def lives(world, at, seed=0):
    """One project's life with crashes at these steps; returns how many of them came to pass."""
    async with asyncio.timeout(60), world(at=at, seed=seed) as cluster:
        await cluster.submit(SUBMISSION)
        await cluster.until(cluster.finished)
        await cluster.pass_time(12)
        blown = cluster.fuse.blown
        cluster.fuse.at = frozenset()
        await cluster.pass_time(12)
        await check(cluster)
        return blown, cluster.fuse.trail


async def check(cluster):
    assert {answer.outcome.status for answer in cluster.finished()} == {"succeeded"}
    assert all(answer.outcome.output == OUTPUT for answer in cluster.finished())
    rows = await cluster.rows()
    assert sorted(path.removeprefix(PROJECT) for path in rows) == EXPECTED
    assert {row.status for row in rows.values()} == {"succeeded"}
    assert set((await cluster.times("tasks.settled")).items()) == {(path, 1) for path in rows}
    assert set((await cluster.times("tasks.planned")).items()) == {(path, 1) for path in rows if path != PROJECT}
    names = [name for name, _, _ in await cluster.events()]
    assert names.count("project.accepted") == 1
    assert names.count("plan.started") == 5
    assert await cluster.ledger.transact(lambda transaction: unsent_of(transaction, list(rows))) == []
    late = cluster.clock.now() + 100
    assert await cluster.ledger.transact(lambda transaction: stale_unreported(transaction, late, late, 100)) == []
    assert await cluster.dead_letters() == {}
    report = await rebuild(cluster.ledger)
    assert report.is_equal, report.differences


EXPECTED = sorted(
    ["", "/0/0", "/0/0/0/0", "/0/0/0/1", "/0/0/0/2", "/0/1/0", "/0/1/0/0", "/0/1/0/0/0", "/0/1/1", "/0/1/1/0"]
)


async def test_a_life_without_crashes_is_as_it_should_be(world):
    blown, trail = await lives(world, ())
    assert blown == 0
    assert set(trail) == {
        "before the transaction",
        "before the commit",
        "after the commit",
        "before the publish",
        "within the publish",
        "before the confirm",
        "after receiving",
        "before the acks",
        "after the acks",
    }


@pytest.mark.parametrize("part", range(8))
async def test_a_crash_at_any_single_step_changes_nothing(world, part):
    _, trail = await lives(world, ())
    for step in range(1 + part, busy_steps(trail) + 1, 8):
        blown, _ = await lives(world, {step})
        assert blown == 1, step


def busy_steps(trail):
    """How many steps there were until nothing was left but sweeping."""
    last = max(number for number, name in enumerate(trail) if name == "after the acks")
    return last + 4


@pytest.mark.parametrize("every", [2, 3, 5, 7])
async def test_who_dies_again_and_again_gets_there_in_the_end(world, every):
    """Every few steps somebody dies, for the whole of the project's life."""
    random = Random(10 * every)
    at = {step for step in range(1, 3 * STEPS_OF_A_LIFE) if random.randrange(2 * every) == 0}
    blown, _ = await lives(world, at)
    assert blown > 5


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.sets(st.integers(1, STEPS_OF_A_LIFE), max_size=20), seed=st.integers(0, 1000))
async def test_any_schedule_of_crashes_changes_nothing(world, at, seed):
    await lives(world, at, seed)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.sets(st.integers(1, STEPS_OF_A_LIFE), max_size=8),
    failing=st.sets(st.sampled_from(EXPECTED)),
    cancel_after_s=st.none() | st.floats(0, 3),
    seed=st.integers(0, 1000),
)
async def test_whatever_fails_or_is_cancelled_meanwhile_ends_once_and_leaves_nothing_open(
    world, at, failing, cancel_after_s, seed
):
    async with asyncio.timeout(60), world(at=at, seed=seed, outcome_of=fails_at(failing)) as cluster:
        await cluster.submit(SUBMISSION)
        if cancel_after_s is not None:
            await cluster.pass_time(cancel_after_s)
            await cluster.command({"verb": "cancel", "project": PROJECT})
        await cluster.until(cluster.finished)
        await cluster.pass_time(12)
        cluster.fuse.at = frozenset()
        await cluster.pass_time(12)
        await check_invariants(cluster)
        if not failing and cancel_after_s is None:
            await check(cluster)


def fails_at(paths):
    def outcome_of(task):
        if task.id.removeprefix(PROJECT) in paths:
            return Failed(error=ErrorInfo(code="broken", message="as planned"))
        return Succeeded(output={"n": 2 * task.input["n"]})

    return outcome_of


async def check_invariants(cluster):
    rows = await cluster.rows()
    assert len({answer.outcome.status for answer in cluster.finished()}) == 1
    assert all(row.status != "open" for row in rows.values()), rows
    assert all(row.reported_at is not None for row in rows.values() if row.kind != "task")
    settled, planned = await cluster.times("tasks.settled"), await cluster.times("tasks.planned")
    assert max(settled.values()) == 1
    assert settled[PROJECT] == 1
    assert set(planned.items()) == {(path, 1) for path in rows if path != PROJECT}
    assert planned_under_a_tombstone(await cluster.events()) == []
    assert await cluster.dead_letters() == {}
    report = await rebuild(cluster.ledger)
    assert report.is_equal, report.differences


def planned_under_a_tombstone(history):
    stopped, planned = [], []
    for name, subject, data in history:
        if name == "subtree.stopped":
            stopped.append(subject)
        if name == "tasks.planned":
            planned += [row["id"] for row in data["tasks"] if any(is_within(row["id"], path) for path in stopped)]
    return planned
