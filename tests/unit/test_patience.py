import asyncio

import pytest


async def test_waiting_ends_with_what_the_condition_gives(wait_until):
    given = iter([None, 0, [], "there"])
    assert await wait_until(lambda: next(given)) == "there"


async def test_an_async_condition_is_awaited(wait_until):
    event = asyncio.Event()

    async def is_set():
        return event.is_set()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(wait_until(is_set))
        event.set()
    assert waiting.result() is True


async def test_what_does_not_come_true_is_named_with_what_was_seen_last(wait_until):
    with pytest.raises(AssertionError, match=r"not within 0\.01 s: three messages; last seen: 0"):
        await wait_until(lambda: 0, timeout_s=0.01, reason="three messages")


async def test_a_condition_without_a_reason_is_shown_as_it_is_written(wait_until):
    nothing = {}
    with pytest.raises(AssertionError, match=r"lambda: nothing\.get"):
        await wait_until(lambda: nothing.get("key"), timeout_s=0.01)
