"""Deliveries on their way to slots."""

import asyncio

from worker.line import Line


async def test_one_slot_takes_all_that_it_can_before_another_gets_a_turn():
    line, taken = Line(), []

    async def slot(name):
        while (delivery := await line.take()) is not None:
            taken.append((name, delivery))

    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(slot(name))
        await asyncio.sleep(0)
        line.put([1, 2, 3])
        await asyncio.sleep(0)
        assert taken == [("a", 1), ("a", 2), ("a", 3)]
        line.close()


async def test_a_slot_that_waits_leaves_the_rest_to_the_others():
    line, taken, go = Line(), [], asyncio.Event()

    async def slot():
        while (delivery := await line.take()) is not None:
            taken.append(delivery)
            await go.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(slot())
        line.put([1, 2, 3])
        for _ in range(5):
            await asyncio.sleep(0)
        assert taken == [1, 2]
        assert line.close() == [3]
        go.set()

    assert taken == [1, 2]
