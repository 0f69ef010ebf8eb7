"""The role on the memory broker."""

import asyncio
import dataclasses
import threading

import pytest

from topology import names
from warren import Context, Reject, Retry, skill
from warren.broker.memory import MemoryBroker
from warren.broker.port import Outgoing, Properties
from warren.messages.codec import decode
from warren.messages.event import Event
from warren.messages.task import Task, TaskMessage
from warren.testing.patience import wait_until
from worker.worker import Options


@skill("s")
async def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


async def test_a_task_becomes_a_result_and_its_message_is_acked(house, serve):
    async with house.worker(serve(double)):
        await house.give({"n": 4}, priority=6)
        (delivery,) = await house.deliveries("warren.lead.t.results", 1)
        await wait_until(house.left_nothing)

    assert b'"id":"p/0/0","owner":"p/0","attempt":1' in delivery.body
    assert b'"status":"succeeded","output":{"n":8}' in delivery.body
    assert b'"agent":"me"' in delivery.body
    assert (delivery.properties.correlation_id, delivery.properties.priority) == ("p/0/0", 6)


async def test_the_tasks_of_a_bundle_end_each_on_its_own(house, serve):
    async with house.worker(serve(double)):
        await house.give({"n": 1}, {"n": "x"}, {"n": 3})
        results = await house.results(3)

    assert [result.outcome.status for result in results] == ["succeeded", "failed", "succeeded"]
    assert results[1].outcome.error.code == "input_invalid"
    assert results[1].outcome.error.pointer == "/n"


async def test_results_share_messages_up_to_the_number_that_is_set(house, serve):
    async with house.worker(serve(double), options=Options(results_per_message=4)):
        await house.give(*({"n": n} for n in range(10)))
        deliveries = await house.deliveries("warren.lead.t.results", 3)

    assert sorted(delivery.body.count(b'"owner"') for delivery in deliveries) == [2, 4, 4]


async def test_a_plain_function_runs_in_a_thread(house, serve):
    @skill("s")
    def where() -> dict[str, bool]:
        return {"main": threading.current_thread() is threading.main_thread()}

    async with house.worker(serve(where)):
        await house.give({})
        outcome = await house.outcome()

    assert outcome.output == {"main": False}


async def test_a_handler_knows_its_task(house, serve):
    @skill("s")
    async def tell(context: Context) -> dict:
        return {"id": context.task_id, "key": context.idempotency_key, "attempt": context.attempt, "team": context.team}

    async with house.worker(serve(tell)):
        await house.give(Task(id="p/0/7", input={}, attempt=2))
        outcome = await house.outcome()

    assert outcome.output == {"id": "p/0/7", "key": "p/0/7", "attempt": 2, "team": "t"}


async def test_as_many_run_at_once_as_is_set_and_no_more(house, serve):
    running, most, go = set(), [], asyncio.Event()

    @skill("s", concurrency=3)
    async def wait(n: int) -> dict:
        running.add(n)
        most.append(len(running))
        await go.wait()
        running.discard(n)
        return {}

    async with house.worker(serve(wait)):
        for n in range(5):
            await house.give(Task(id=f"p/0/{n}", input={"n": n}))
        await wait_until(lambda: len(running) == 3)
        assert await house.left() == 2
        go.set()
        await house.results(5)

    assert max(most) == 3


async def test_a_failed_attempt_climbs_the_ladder_and_comes_back_as_the_next(house, serve):
    seen = []

    @skill("s", base_s=2)
    async def flaky(context: Context) -> dict:
        seen.append((context.attempt, house.clock.now()))
        if context.attempt == 1:
            raise RuntimeError("not today")
        return {}

    async with house.worker(serve(flaky)):
        await house.give({}, priority=9, headers={"traceparent": "00-1", "x-death": [{"queue": "q"}]})
        await wait_until(lambda: len(seen) == 1 and house.in_ladder())
        house.clock.advance(2.0)
        (result,) = await house.results(1)

    assert (result.attempt, result.outcome.status) == (2, "succeeded")
    assert [attempt for attempt, _ in seen] == [1, 2]
    assert seen[1][1] - seen[0][1] == pytest.approx(2.0)


async def test_a_retried_task_keeps_its_priority_and_its_trace_and_loses_its_deaths(house, serve):
    @skill("s")
    async def wait_longer() -> dict:
        raise Retry(after_s=1)

    async with house.worker(serve(wait_longer)):
        await house.give({}, {}, priority=9, headers={"traceparent": "00-1", "x-death": [{"queue": "q"}]})
        await wait_until(lambda: house.in_ladder() == 2)
    house.clock.advance(1.0)
    first, second = await house.deliveries("warren.work.t.s", 2)

    assert (first.properties.priority, first.properties.type) == (9, TaskMessage.TYPE)
    assert first.properties.headers["traceparent"] == "00-1"
    assert first.properties.headers["x-attempt"] == 2
    assert first.properties.headers.get("x-death") != [{"queue": "q"}]
    assert [decode(TaskMessage, delivery.body).tasks[0].id for delivery in (first, second)] == ["p/0/0", "p/0/1"]


async def test_after_the_last_attempt_the_task_fails_and_is_dead_lettered(house, serve):
    @skill("s", max_attempts=2)
    async def broken() -> dict:
        raise RuntimeError("never")

    async with house.worker(serve(broken)):
        await house.give(Task(id="p/0/0", input={}, attempt=2))
        (letter,) = await house.dead()
        (result,) = await house.results(1)

    assert result.outcome.error.code == "handler_error"
    assert (result.outcome.error.message, result.outcome.error.type) == ("never", "RuntimeError")
    assert result.outcome.error.task == "p/0/0"
    assert 'raise RuntimeError("never")' in result.outcome.error.traceback
    assert "execution.py" not in result.outcome.error.traceback
    assert letter.properties.headers["x-warren-error-code"] == "handler_error"
    assert letter.properties.headers["x-warren-error"] == "never"
    assert decode(TaskMessage, letter.body).tasks == [Task(id="p/0/0", input={}, attempt=2)]


class Hopeless(Exception):
    pass


class Panic(BaseException):
    """No Exception, like what some native libraries raise."""


@pytest.mark.parametrize(
    ("error", "code", "permanent"),
    [
        (Reject("never again"), "rejected", True),
        (Reject("no", code="no_such_page"), "no_such_page", True),
        (Hopeless("x"), "handler_error", True),
        (SystemExit(3), "handler_error", False),
        (Panic("as from a library in another language"), "handler_error", False),
        (StopIteration("x"), "handler_error", False),
        (asyncio.CancelledError(), "handler_error", False),
        (TimeoutError(), "handler_error", False),
        (Retry("later", code="busy"), "busy", False),
    ],
)
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_whatever_a_handler_raises_ends_its_task_and_nothing_else(house, serve, error, code, permanent, kind):
    async def fail(n: int) -> dict:
        if n:
            return {}
        raise error

    def fail_plainly(n: int) -> dict:
        if n:
            return {}
        raise error

    decorated = skill("s", permanent=Hopeless, max_attempts=1)(fail if kind == "async" else fail_plainly)
    async with house.worker(serve(decorated)):
        await house.give({"n": 0}, {"n": 1})
        first, second = await house.results(2)

    assert (first.outcome.error.code, first.outcome.error.permanent) == (code, permanent)
    assert second.outcome.status == "succeeded"


async def test_an_output_that_does_not_fit_is_the_skills_failure(house, serve):
    @skill("s")
    async def lie() -> dict[str, int]:
        return {"n": "many"}  # type: ignore[dict-item]

    async with house.worker(serve(lie)):
        await house.give({})
        outcome = await house.outcome()

    assert (outcome.error.code, outcome.error.pointer, outcome.error.permanent) == ("output_invalid", "/n", True)


async def test_an_output_that_cannot_be_sent_is_a_failure_too(house, serve):
    @skill("s")
    async def surrogate(n: int) -> dict:
        return {"name": "\ud800" if n else "x" * 3000}

    async with house.worker(serve(surrogate), options=Options(limit_bytes=2048)):
        await house.give({"n": 0}, {"n": 1})
        large, unsendable = await house.results(2)

    assert large.outcome.error.code == "message_too_large"
    assert "cluster.yaml" in large.outcome.error.message
    assert unsendable.outcome.error.code == "output_invalid"


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
async def test_a_number_that_json_has_not_is_refused_and_not_turned_into_null(house, serve, number):
    @skill("s")
    async def infinite() -> dict:
        return {"NaN": None, "sizes": [1.5, float(number)]}

    async with house.worker(serve(infinite)):
        await house.give({})
        error = (await house.outcome()).error

    assert (error.code, error.pointer, error.permanent) == ("output_invalid", "/sizes/1", True)
    assert f"{number} is not a JSON number" in error.message


def nested(levels):
    return [nested(levels - 1)] if levels else []


@pytest.mark.parametrize("value", [10**4300, nested(150), nested(240)], ids=["many digits", "deep", "deeper"])
async def test_an_output_that_nobody_could_read_is_refused(house, serve, value):
    """Its lead would dead-letter its message, with all other results in it, and none of their tasks would end."""

    @skill("s")
    async def unreadable() -> dict:
        return {"value": value}

    async with house.worker(serve(unreadable)):
        await house.give({})
        error = (await house.outcome()).error

    assert (error.code, error.permanent) == ("output_invalid", True)
    assert "100 levels" in error.message


async def test_an_output_that_is_large_and_deep_within_reason_is_sent(house, serve):
    @skill("s")
    async def large() -> dict:
        return {"value": nested(95), "size": 10**4000, "rows": [{"n": n} for n in range(1_000)]}

    async with house.worker(serve(large)):
        await house.give({})
        assert (await house.outcome()).output["size"] == 10**4000


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{", TaskMessage.TYPE, "not_json"),
        (b"\xff\xfe", None, "not_utf8"),
        (b"[]", TaskMessage.TYPE, "message_invalid"),
        (b'{"team":"t"}', TaskMessage.TYPE, "message_invalid"),
        (b"{}", "warren.project.v1", "wrong_type"),
        (
            b'{"team":"t","skill":"other","owner":"p","priority":4,"tasks":[{"id":"p/0","input":{}}]}',
            TaskMessage.TYPE,
            "wrong_queue",
        ),
        (b" " * 3000, TaskMessage.TYPE, "message_too_large"),
    ],
)
async def test_a_message_that_makes_no_sense_is_parked_with_the_reason(house, serve, body, kind, code):
    sent = Properties(type=kind, expiration_ms=60_000, headers={"mine": 1}, app_id="a", priority=2)
    async with house.worker(serve(double), options=Options(limit_bytes=2048)):
        await house.raw(body, properties=sent)
        await house.give({"n": 1})
        (letter,) = await house.dead()
        (result,) = await house.results(1)
        await wait_until(house.left_nothing)

    assert letter.body == body
    assert letter.routing_key == "work.t.s"
    assert letter.properties.headers["x-warren-error-code"] == code
    assert letter.properties.headers["x-warren-error"]
    assert letter.properties.headers["mine"] == 1
    assert letter.properties.headers["x-warren-routing-key"] == "task.t.s"
    assert (letter.properties.type, letter.properties.app_id, letter.properties.priority) == (kind, "a", 2)
    assert letter.properties.expiration_ms is None
    assert result.outcome.status == "succeeded"


async def test_a_task_past_its_deadline_is_not_begun(house, serve):
    called = []

    @skill("s")
    async def note() -> dict:
        called.append(1)
        return {}

    async with house.worker(serve(note)):
        await house.give(Task(id="p/0/0", input={}, deadline_s=house.clock.now()))
        outcome = await house.outcome()

    assert outcome.status == "expired"
    assert called == []


async def test_a_deadline_ends_a_running_handler(house, serve):
    @skill("s")
    async def hang() -> dict:
        await asyncio.Event().wait()
        return {}

    async with house.worker(serve(hang)):
        await house.give(Task(id="p/0/0", input={}, deadline_s=house.clock.now() + 0.05))
        outcome = await house.outcome()

    assert outcome.status == "expired"


@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_handler_that_takes_too_long_is_stopped_and_tried_again(house, serve, kind):
    released = threading.Event()

    async def hang() -> dict:
        await asyncio.Event().wait()
        return {}

    def hang_plainly(context: Context) -> dict:
        while not context.cancelled:
            released.wait(0.01)
        released.set()
        return {}

    decorated = skill("s", timeout_s=0.05, max_attempts=1)(hang if kind == "async" else hang_plainly)
    async with house.worker(serve(decorated)):
        await house.give({})
        outcome = await house.outcome()
        await wait_until(lambda: kind == "async" or released.is_set())

    assert (outcome.error.code, outcome.error.permanent) == ("handler_timeout", False)


async def test_a_retry_that_would_come_after_the_deadline_is_not_made(house, serve):
    @skill("s")
    async def later() -> dict:
        raise Retry(after_s=20)

    async with house.worker(serve(later)):
        await house.give(Task(id="p/0/0", input={}, deadline_s=house.clock.now() + 10))
        outcome = await house.outcome()

    assert outcome.error.code == "retry_wanted"


@pytest.mark.parametrize("key", ["all", "role.worker", "team.t"])
async def test_a_cancelled_subtree_stops_what_runs_and_drops_what_waits(house, serve, key):
    begun = []

    @skill("s", concurrency=1)
    async def hang(context: Context) -> dict:
        begun.append(context.task_id)
        if context.task_id.startswith("p/0/"):
            await asyncio.Event().wait()
        return {}

    async with house.worker(serve(hang)):
        await house.give(*(Task(id=task, input={}) for task in ("p/0/1", "p/0/2", "p/01/1")))
        await wait_until(lambda: begun == ["p/0/1"])
        await house.cancel("p/0", key)
        results = await house.results(3)

    assert {result.id: result.outcome.status for result in results} == {
        "p/0/1": "cancelled",
        "p/0/2": "cancelled",
        "p/01/1": "succeeded",
    }
    assert results[0].outcome.reason == "enough"
    assert begun == ["p/0/1", "p/01/1"]


@pytest.mark.parametrize("how", ["returns", "raises"])
async def test_a_handler_that_resists_being_cancelled_counts_as_cancelled(house, serve, how):
    begun = asyncio.Event()

    @skill("s", concurrency=1)
    async def resist(n: int) -> dict:
        if n:
            await asyncio.sleep(0)
            return {}
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if how == "raises":
                raise RuntimeError("no") from None
        return {}

    async with house.worker(serve(resist)):
        await house.give({"n": 0}, {"n": 1})
        await begun.wait()
        await house.cancel("p/0/0")
        first, second = await house.results(2)

    assert (first.outcome.status, second.outcome.status) == ("cancelled", "succeeded")


async def test_a_plain_function_is_told_that_it_is_cancelled(house, serve):
    begun = threading.Event()

    @skill("s")
    def loop(context: Context) -> dict:
        begun.set()
        while True:
            context.raise_if_cancelled()
            threading.Event().wait(0.005)

    async with house.worker(serve(loop)):
        await house.give({})
        await wait_until(begun.is_set)
        await house.cancel("p/0")
        outcome = await house.outcome()

    assert outcome.status == "cancelled"


async def test_nonsense_on_the_control_exchange_is_survived(house, serve):
    async with house.worker(serve(double)):
        await house.broker.publish([Outgoing(names.CONTROL, "all", b"nonsense")])
        await house.give({"n": 1})

        assert (await house.outcome()).status == "succeeded"


async def test_draining_finishes_what_runs_and_gives_back_the_rest(house, serve):
    begun, go = [], asyncio.Event()

    @skill("s")
    async def wait(context: Context) -> dict:
        begun.append(context.task_id)
        await go.wait()
        return {}

    # more is delivered than has a slot: as when slots are busy with bundles
    station = dataclasses.replace(serve(wait), concurrency=2)
    async with house.worker(station) as role:
        for n in range(6):
            await house.give(Task(id=f"p/0/{n}", input={}))
        await wait_until(lambda: len(begun) == 2)
        draining = asyncio.ensure_future(role.drain(20))
        await wait_until(lambda: house.consumers() == 0)
        assert not draining.done()
        go.set()
        await draining
        results = await house.results(2)
        assert await house.left() == 4

    assert [result.outcome.status for result in results] == ["succeeded", "succeeded"]


async def test_what_outlives_the_grace_goes_back_to_the_queue(house, serve):
    begun, ended = asyncio.Event(), []

    @skill("s")
    async def hang() -> dict:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)
        return {}

    async with house.worker(serve(hang)) as role:
        await house.give({})
        await begun.wait()
        await role.drain(0.05)

    assert ended == [1]
    assert await house.left() == 1


async def test_an_idle_worker_drains_at_once_and_twice(house, serve):
    async with house.worker(serve(double)) as role:
        async with asyncio.timeout(5):
            await role.drain(60)
            await role.drain(60)


class LateBroker(MemoryBroker):
    """Its confirms come when the test says so."""

    def __init__(self, server):
        super().__init__(server)
        self.go = asyncio.Event()

    async def _confirmation(self):
        await self.go.wait()


async def test_nothing_is_acked_before_its_result_is_confirmed(house, serve):
    async with house.worker(serve(double), adapter=LateBroker) as role:
        await house.give({"n": 1})
        await house.results(1)
        assert house.unsettled() == 1

        role.broker.go.set()
        await wait_until(house.left_nothing)


async def test_what_ends_while_a_confirm_is_awaited_leaves_in_one_message(house, serve):
    called = []

    @skill("s")
    async def note(n: int) -> dict:
        called.append(n)
        return {}

    async with house.worker(serve(note), adapter=LateBroker) as role:
        await house.give({"n": 1})
        await house.results(1)
        for n in range(5):
            await house.give(Task(id=f"p/1/{n}", input={"n": n}))
        await wait_until(lambda: len(called) == 6)
        role.broker.go.set()
        (delivery,) = await house.deliveries("warren.lead.t.results", 1)

    assert delivery.body.count(b'"owner"') == 5


async def test_results_wait_for_a_broker_that_is_away(house, serve):
    begun, go = asyncio.Event(), asyncio.Event()

    @skill("s")
    async def wait() -> dict:
        begun.set()
        await go.wait()
        return {}

    async with house.worker(serve(wait)) as role:
        await house.give({})
        await begun.wait()
        role.broker.sever()
        go.set()
        await wait_until(lambda: role.waiting_for is not None)
        role.broker.restore()
        await wait_until(lambda: house.clock.next_wake() is not None)
        house.clock.advance(1.0)
        results = await house.results(2)  # the connection's loss gave the task back, so it ran twice

    assert {result.id for result in results} == {"p/0/0"}


async def test_progress_is_told_as_an_event(house, serve):
    @skill("s")
    def step(context: Context) -> dict:
        context.progress(0.25, "reading")
        return {}

    async with house.broker.inbox([(names.EVENTS, "task.progressed.t.s")]) as inbox, house.worker(serve(step)):
        await house.give({})
        await house.results(1)
        async with asyncio.timeout(10):
            (delivery,) = await inbox.receive()

    event = decode(Event, delivery.body)
    assert (event.type, event.subject) == ("warren.task.progressed", "p/0/0")
    assert event.data == {"fraction": 0.25, "message": "reading", "attempt": 1}
