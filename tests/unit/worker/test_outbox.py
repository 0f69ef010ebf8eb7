"""What the broker does not take harms nobody but whom it concerns."""

import json

import pytest

from warren import Retry, skill
from warren.broker.dead_letter import CODE, REASON, last_death
from warren.broker.port import Properties
from warren.messages.codec import decode
from warren.messages.task import TaskMessage
from warren.testing.patience import wait_until
from worker.outbox import LONGEST_PAUSE_S, pause_s

from .conftest import OWNER, SMALL_BYTES, topology


@skill("s")
async def blow_up(size: int) -> dict[str, str]:
    return {"text": "x" * size}


@skill("s", max_attempts=2)
async def fail(text: str) -> dict:
    raise RuntimeError("no luck " + "at all " * 20)


@skill("s", max_attempts=1)
async def refuse(text: str = "") -> dict:
    raise Retry("never")


async def test_a_result_that_the_broker_never_takes_becomes_a_failure_that_says_so(small_house, serve):
    async with small_house.worker(serve(blow_up)) as worker:
        await small_house.give({"size": 3}, {"size": SMALL_BYTES}, {"size": 5})
        first, large, last = await small_house.results(3)
        (letter,) = await small_house.dead()
        await wait_until(small_house.left_nothing)
        assert worker.waiting_for is None

    assert [first.outcome.status, last.outcome.status] == ["succeeded", "succeeded"]
    error = large.outcome.error
    assert (error.code, error.task, error.skill, error.permanent) == ("broker_refuses", f"{OWNER}/1", "s", True)
    assert f"larger than configured max size {SMALL_BYTES}" in error.message
    assert "max_message_size" in error.message
    assert (large.attempt, large.agent) == (1, "me")
    assert [task.id for task in decode(TaskMessage, letter.body).tasks] == [f"{OWNER}/1"]
    assert letter.properties.headers[CODE] == "broker_refuses"
    assert letter.properties.headers[REASON] == error.message


async def test_results_that_are_too_large_only_together_all_arrive(small_house, serve):
    async with small_house.worker(serve(blow_up)):
        await small_house.give(*({"size": SMALL_BYTES // 3} for _ in range(4)))
        results = await small_house.results(4)
        await wait_until(small_house.left_nothing)

    assert [result.outcome.status for result in results] == ["succeeded"] * 4


async def test_a_retry_that_the_broker_never_takes_is_a_failure_with_its_cause(small_house, serve):
    async with small_house.worker(serve(fail)):
        await small_house.give({"text": "x" * (SMALL_BYTES - 250)})
        (result,) = await small_house.results(1)
        (letter,) = await small_house.dead()
        await wait_until(small_house.left_nothing)

    assert (result.outcome.error.code, result.attempt) == ("broker_refuses", 1)
    assert "after handler_error: no luck at all" in result.outcome.error.message
    assert result.ended_s >= result.started_s
    assert letter.properties.headers["x-attempt"] == 1


async def test_a_dead_letter_that_the_broker_never_takes_is_left_to_the_broker(small_house, serve):
    """It adds what had a default, and there is no room for it."""
    text = json.dumps(
        {"team": "t", "skill": "s", "owner": OWNER, "priority": 4, "tasks": [{"id": f"{OWNER}/0", "input": {}}]}
    )
    body = text.replace('"input": {}', '"input": {"text": "%s"}' % ("x" * (SMALL_BYTES - len(text) - 10)))
    async with small_house.worker(serve(refuse)):
        await small_house.raw(body.encode(), properties=Properties(type=TaskMessage.TYPE))
        (result,) = await small_house.results(1)
        (letter,) = await small_house.dead()
        await wait_until(small_house.left_nothing)

    assert result.outcome.error.message == "never"
    assert letter.body == body.encode()
    assert last_death(letter.properties.headers)["reason"] == "rejected"


async def test_what_no_queue_takes_waits_aside_and_everything_else_goes_on(house, serve):
    house.server.delete_queue("warren.lead.t.results")
    async with house.worker(serve(blow_up)) as worker:
        await house.give({"size": 3})
        await wait_until(lambda: worker.waiting_for is not None)
        for n in range(3):
            await house.raw(f"no task {n}".encode())
            (letter,) = await house.dead()
            assert letter.body == f"no task {n}".encode()
        assert "reached no queue" in worker.waiting_for
        await wait_until(lambda: house.unsettled() == 1)
        await house.broker.declare(topology())
        house.clock.advance(LONGEST_PAUSE_S)
        (result,) = await house.results(1)
        await wait_until(lambda: worker.waiting_for is None)
        await wait_until(house.left_nothing)

    assert result.outcome.output == {"text": "xxx"}


@pytest.mark.parametrize(("tries", "wait_s"), [(0, 0.25), (1, 0.5), (5, 8.0), (6, 10.0), (100_000, 10.0)])
def test_it_is_tried_less_and_less_often(tries, wait_s):
    assert pause_s(tries) == wait_s
