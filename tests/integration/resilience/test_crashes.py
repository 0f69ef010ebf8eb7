"""Tasks that kill their worker, and workers that are killed."""

import asyncio
import signal

import aio_pika
import pytest

from topology.queue_arguments import DELIVERY_LIMIT
from warren.messages.codec import decode
from warren.messages.task import TaskMessage
from warren.testing.patience import wait_until

WORKER = "worker crew"
END_S = 90


@pytest.mark.parametrize(
    ("profile", "skill", "kind", "code", "how"),
    [
        ("classic", "work", "segfault", -signal.SIGSEGV, "by signal 11"),
        ("classic", "plainly", "exit", 7, "with exit code 7"),
        ("quorum", "work", "exit", 7, "with exit code 7"),
    ],
)
async def test_a_task_that_kills_its_worker_ends_as_a_dead_letter_and_the_rest_goes_on(
    supervised, over, skill, kind, code, how
):
    items = [{"n": n, "kind": kind if n == 7 else "ok"} for n in range(40)]
    async with asyncio.timeout(END_S):
        handle = await supervised.client.submit(**over(items, skill, tolerate=1, seconds=0.01))
        output = await handle.result()
        (letter,) = await supervised.letters(1)

    assert sorted(item["n"] for item in output["items"] if item) == [n for n in range(40) if n != 7]
    (failure,) = output["failed"]
    assert failure["code"] == "worker_process_died"
    assert how in letter.properties.headers["x-warren-error"]
    (task,) = decode(TaskMessage, letter.body).tasks
    assert (task.input["n"], task.attempt) == (7, 3)
    assert supervised.deaths == [code, code], "it took down two workers, and then only processes of its own"


async def test_tasks_of_workers_that_are_killed_again_and_again_are_innocent(supervised, over):
    notes = supervised.notes()
    items = [{"n": n} for n in range(24)]
    async with asyncio.timeout(END_S):
        handle = await supervised.client.submit(**over(items, seconds=0.5, log=str(notes.path)))
        for kills in range(1, 4):
            begun = len(notes.lines("begun"))
            await wait_until(lambda begun=begun: len(notes.lines("begun")) >= begun + 4, timeout_s=30)
            supervised.cluster.members[WORKER].process.kill()
            await wait_until(lambda kills=kills: len(supervised.deaths) == kills, timeout_s=30)
        output = await handle.result()

    assert sorted(item["n"] for item in output["items"]) == list(range(24))
    assert await supervised.dead() == 0


@pytest.mark.parametrize("profile", ["quorum"])
async def test_what_a_quorum_queue_gives_up_is_a_dead_letter_of_which_the_lead_hears_at_once(house, over):
    """The broker's own guard: whoever takes the task dies before any code of ours has looked at it."""
    house.cluster.kill(WORKER)
    async with asyncio.timeout(END_S):
        handle = await house.client.submit(**over([{"n": 1}]))
        for _ in range(DELIVERY_LIMIT + 1):
            await wait_until(house.queued, timeout_s=20)
            await taken_by_one_that_dies(house.cluster.amqp_url)
        outcome = await handle.outcome()
        (letter,) = await house.letters(1)

    assert "delivery_limit" in outcome.error.message
    assert letter.properties.headers["x-death"][0]["reason"] == "delivery_limit"


async def taken_by_one_that_dies(url):
    """Take a task and be gone without a word: the connection is cut, nothing is settled."""
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    await channel.set_qos(1)
    queue = await channel.get_queue("warren.work.crew.work", ensure=False)
    assert await queue.get(no_ack=False) is not None
    await connection.close()
