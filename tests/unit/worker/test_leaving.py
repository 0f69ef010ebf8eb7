"""What a worker that drains gives back is as good as new, and what it has finished is not done again."""

import asyncio

from warren import Context, skill
from warren.testing.patience import wait_until
from worker import suspicion

OFTEN = suspicion.GIVEN_UP_AFTER + 4
"""More than a classic queue's tasks are tried after crashes, and than a quorum queue hands out a message at most."""


class Slow:
    """A handler that stays with its task until it is told to go."""

    def __init__(self):
        self.begun = []
        self.go = asyncio.Event()

        @skill("s", concurrency=1)
        async def work(context: Context) -> dict:
            self.begun.append(context.task_id)
            await self.go.wait()
            return {}

        self.work = work


async def test_what_worker_after_worker_gives_back_unfinished_is_not_held_against_it(either_house, serve):
    slow = Slow()
    await either_house.give({})
    for drains in range(1, OFTEN + 1):
        async with either_house.worker(serve(slow.work)) as worker:
            await wait_until(lambda drains=drains: len(slow.begun) == drains)
            await worker.drain(0)
            assert either_house.unsettled() == 0
    slow.go.set()
    async with either_house.worker(serve(slow.work)):
        (result,) = await either_house.results(1)

    assert (result.attempt, result.outcome.status, result.redelivered) == (1, "succeeded", None)
    assert len(slow.begun) == OFTEN + 1


async def test_of_a_bundle_only_what_is_not_finished_is_given_back(either_house, serve):
    slow = Slow()
    slow.go.set()

    @skill("s", concurrency=1)
    async def stop_at_second(context: Context) -> dict:
        if context.task_id.endswith("/1"):
            slow.go.clear()
        return await slow.work(context)

    async with either_house.worker(serve(stop_at_second)) as worker:
        await either_house.give({}, {}, {}, priority=6)
        await wait_until(lambda: len(slow.begun) == 2)
        await worker.drain(0)
        (first,) = await either_house.results(1)
    left = await either_house.deliveries("warren.work.t.s", 2)

    assert (first.id, first.outcome.status) == ("p/0/0", "succeeded")
    assert {delivery.properties.correlation_id for delivery in left} == {"p/0/1", "p/0/2"}
    assert [(delivery.redelivered, delivery.properties.priority) for delivery in left] == [(False, 6)] * 2
    assert slow.begun == ["p/0/0", "p/0/1"]


async def test_a_handler_that_ends_when_it_is_interrupted_has_ended(either_house, serve):
    begun = []

    @skill("s", concurrency=1)
    async def hurry(context: Context) -> dict:
        begun.append(context.task_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"hurried": True}
        return {}

    async with either_house.worker(serve(hurry)) as worker:
        await either_house.give({}, {})
        await wait_until(lambda: begun)
        await worker.drain(0)
        (result,) = await either_house.results(1)
    (left,) = await either_house.deliveries("warren.work.t.s", 1)

    assert (result.id, result.outcome.output) == ("p/0/0", {"hurried": True})
    assert left.properties.correlation_id == "p/0/1"
    assert begun == ["p/0/0"]
