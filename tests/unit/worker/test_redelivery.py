"""Tasks that a worker took and never settled: most are innocent, some kill whoever runs them."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.names import RETRY_UNIT_MS
from warren import skill
from warren.messages.codec import decode
from warren.messages.task import Task, TaskMessage
from warren.skills.registry import load_skills
from warren.testing.patience import wait_until
from worker import suspicion
from worker.station import station

TEXT = """
import os, signal
from warren import skill

async def work(kind: str) -> dict:
    if kind == "poison":
        os.kill(os.getpid(), signal.SIGSEGV)
    return {"pid": os.getpid()}

def work_plainly(kind: str) -> dict:
    if kind == "poison":
        os._exit(7)
    return {"pid": os.getpid()}

found = skill("s", max_attempts=2, base_s=0.25, concurrency=4)(FUNCTION)
"""


@pytest.fixture
def served(write):
    def served(function):
        module = write(f"suspect_{function}", TEXT.replace("FUNCTION", function))
        (found,) = load_skills([module])
        return station("t", found)

    return served


@pytest.fixture
def given_before(house):
    """Give tasks to somebody who takes them and is gone, after `times` such deliveries already."""

    async def given_before(*tasks, times=0, **properties):
        await house.give(*tasks, headers={suspicion.HEADER: times} if times else {}, **properties)
        async with house.broker.subscribe("warren.work.t.s", prefetch=1) as subscription:
            assert len(await subscription.receive()) == 1

    return given_before


@skill("s", concurrency=1)
async def tell_pid() -> dict[str, int]:
    return {"pid": os.getpid()}


async def test_each_task_of_a_bundle_that_was_taken_before_goes_on_alone_and_at_once(house, serve, given_before):
    await given_before({}, {}, {}, priority=6)
    async with house.worker(serve(tell_pid)):
        results = await house.results(3)
        await wait_until(house.left_nothing)

    assert [(result.attempt, result.outcome.status) for result in results] == [(1, "succeeded")] * 3
    assert {result.outcome.output["pid"] for result in results} == {os.getpid()}


async def test_what_was_taken_again_waits_on_the_ladder_with_its_count_and_its_priority(house, serve, given_before):
    house.draw = 1.0
    await given_before({}, times=2, priority=6)
    async with house.worker(serve(tell_pid)):
        await wait_until(lambda: house.in_ladder() == 1)
    house.clock.advance(2.0)
    (copy,) = await house.deliveries("warren.work.t.s", 1)

    assert copy.properties.headers[suspicion.HEADER] == 3
    assert (copy.properties.priority, copy.redelivered) == (6, False)
    assert decode(TaskMessage, copy.body).tasks == [Task(id="p/0/0", input={})]


@pytest.mark.parametrize("function", ["work", "work_plainly"])
async def test_what_was_taken_twice_runs_in_a_process_of_its_own(house, served, function):
    async with house.worker(served(function)):
        await house.give({"kind": "good"}, headers={suspicion.HEADER: 2})
        await house.give(Task(id="p/0/1", input={"kind": "good"}), headers={suspicion.HEADER: 1})
        apart, inside = await house.results(2)

    assert apart.outcome.output["pid"] != os.getpid()
    assert inside.outcome.output["pid"] == os.getpid()


@pytest.mark.parametrize(("function", "how"), [("work", "by signal 11"), ("work_plainly", "with exit code 7")])
async def test_a_task_that_kills_its_process_is_dead_lettered_with_the_cause_and_harms_no_other(
    house, served, function, how
):
    async with house.worker(served(function)):
        await house.give({"kind": "poison"}, headers={suspicion.HEADER: 2})
        await house.give(Task(id="p/0/1", input={"kind": "good"}))
        await wait_until(lambda: house.in_ladder() == 1)
        house.clock.advance(1.0)
        (letter,) = await house.dead()
        poison, good = await house.results(2)

    assert (poison.attempt, poison.outcome.error.code) == (2, "worker_process_died")
    assert how in poison.outcome.error.message
    assert how in letter.properties.headers["x-warren-error"]
    assert letter.properties.headers[suspicion.HEADER] == 2
    assert good.outcome.status == "succeeded"


async def test_what_takes_down_worker_after_worker_is_given_up_with_a_dead_letter(house, serve, given_before):
    await given_before({}, times=suspicion.GIVEN_UP_AFTER)
    async with house.worker(serve(tell_pid)):
        (letter,) = await house.dead()
        outcome = await house.outcome()
        await wait_until(house.left_nothing)

    assert (outcome.status, outcome.error.code, outcome.error.permanent) == ("failed", "crash_loop", True)
    assert letter.properties.headers["x-warren-error-code"] == "crash_loop"
    assert "9 workers in a row" in letter.properties.headers["x-warren-error"]


async def test_a_nonsensical_count_from_a_stranger_counts_as_none(house, serve):
    async with house.worker(serve(tell_pid)):
        await house.give({}, headers={suspicion.HEADER: "many"})

        assert (await house.outcome()).status == "succeeded"


@given(st.floats(0, 1))
def test_the_first_time_there_is_no_wait_and_then_a_longer_one_each_time(draw):
    pauses_s = [suspicion.pause_units(count, draw) * RETRY_UNIT_MS / 1000 for count in range(1, 10)]

    assert pauses_s[0] == 0
    assert all(earlier <= later for earlier, later in itertools.pairwise(pauses_s))
    assert 0.5 <= pauses_s[1] <= 1
    assert pauses_s[-1] <= suspicion.CAP_S
