import asyncio
from datetime import UTC, datetime
from math import inf, nan

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id
from pydantic import BaseModel

from warren.client import Client
from warren.clock import VirtualClock
from warren.errors import InvalidInput, MessageTooLarge, ProjectFailed, Unanswered, UnknownProject, WarrenError
from warren.messages.outcome import Cancelled, ErrorInfo, Failed, Succeeded
from warren.messages.reply import Finished
from warren.testing.patience import wait_until

ID = "0190a8e0-0000-7000-8000-000000000001"
ITSELF: dict[str, object] = {}
ITSELF["again"] = ITSELF


class Survey(BaseModel):
    lines: int


async def test_a_project_is_submitted_and_its_result_comes_back(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey", input={"path": "src"})
        await running.director.end(handle.id)
        assert await handle.result() == {"lines": 42}


async def test_a_submission_travels_as_the_wire_says(cluster):
    async with cluster() as running, running.client(name="me") as client:
        handle = await client.submit("survey", input={"path": "src"}, priority="urgent", labels={"for": "you"})
        key, project, properties = running.director.seen[0]
        assert (key, project.playbook, project.labels) == ("project.survey", "survey", {"for": "you"})
        assert (properties.type, properties.priority) == ("warren.project.v1", 9)
        assert (properties.correlation_id, properties.reply_to) == (handle.id, "reply.me")


async def test_a_plan_of_its_own_has_a_key_of_its_own(cluster):
    async with cluster() as running, running.client() as client:
        await client.submit(plan={"kind": "call"}, deadline=datetime(2099, 1, 1, tzinfo=UTC))
        assert running.director.seen[0][0] == "project.plan"


async def test_a_result_is_validated_when_a_type_is_asked_for(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey")
        await running.director.end(handle.id)
        assert await handle.result(Survey) == Survey(lines=42)


async def test_an_output_of_another_type_is_refused_with_the_place(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey")
        await running.director.end(handle.id, Succeeded(output={"lines": "many"}))
        with pytest.raises(InvalidInput) as caught:
            await handle.result(Survey)
        assert (caught.value.code, caught.value.pointer) == ("output_invalid", "/lines")


async def test_a_rejected_project_raises_the_director_s_reason(cluster):
    async with cluster() as running, running.client() as client:
        running.director.refuse = ErrorInfo(code="unknown_playbook", message="no playbook nope", pointer="/playbook")
        with pytest.raises(InvalidInput) as caught:
            await client.submit("nope")
        assert (caught.value.code, caught.value.pointer) == ("unknown_playbook", "/playbook")
        assert "no playbook nope" in str(caught.value)


async def test_the_same_project_twice_is_one_project(cluster):
    async with cluster() as running, running.client() as client:
        first = await client.submit("survey", id=ID)
        second = await client.submit("survey", id=ID)
        assert (first.duplicate, second.duplicate) == (False, True)
        await running.director.end(ID)
        assert await first.result() == await second.result()


async def test_two_submissions_of_one_id_at_once_get_their_own_verdicts(cluster):
    async with cluster() as running, running.client() as client:
        submissions = [client.submit("survey", id=ID, input={"path": path}) for path in ("a", "b")]
        accepted, conflict = await asyncio.gather(*submissions, return_exceptions=True)
        assert accepted.id == ID
        assert conflict.code == "id_conflict"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, ""),
        ({"playbook": "Not A Token"}, "/playbook"),
        ({"playbook": "survey", "id": "not-a-uuid"}, "/id"),
        ({"playbook": "survey", "priority": 10}, "/priority"),
        ({"playbook": "survey", "timeout_s": -1.0}, "/timeout_s"),
        ({"playbook": "survey", "priority": "soon"}, ""),
        ({"playbook": "survey", "id": ""}, "/id"),
        ({"playbook": "survey", "id": 5}, "/id"),
        ({"playbook": "survey", "input": []}, "/input"),
        ({"playbook": "survey", "input": {"sizes": [1, nan]}}, "/input/sizes/1"),
        ({"playbook": "survey", "input": {"size": -inf}}, "/input/size"),
        ({"playbook": "survey", "input": {"name": "half \ud800"}}, "/input/name"),
        ({"playbook": "survey", "input": {"half \ud800": 1}}, "/input"),
        ({"playbook": "survey", "input": {"handle": object()}}, "/input/handle"),
        ({"playbook": "survey", "input": {"raw": b"\xff"}}, "/input/raw"),
        ({"playbook": "survey", "input": ITSELF}, "/input/again/again"),
        ({"playbook": "survey", "labels": {"by": "\udfff"}}, "/labels/by"),
    ],
)
async def test_what_cannot_be_a_project_is_refused_before_it_is_sent(cluster, fields, pointer):
    async with cluster() as running, running.client() as client:
        with pytest.raises(InvalidInput) as caught:
            await client.submit(**fields)
        assert caught.value.pointer == pointer
        assert running.director.seen == []


async def test_a_question_that_cannot_be_asked_is_refused_as_everything_else_is(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey")
        for limit in (0, 201):
            with pytest.raises(InvalidInput, match="/limit: must be"):
                await client.projects(limit)
        with pytest.raises(InvalidInput, match="/reason: must have at most 1000 characters"):
            await handle.cancel("x" * 1001)
        with pytest.raises(InvalidInput, match="/tasks/0/id: must have at most 2000 characters"):
            await handle.replay(["x" * 2001])
        assert len(running.director.seen) == 1


async def test_a_project_over_the_size_limit_is_refused_before_it_is_sent(cluster):
    async with cluster() as running, running.client(limit_bytes=1000) as client:
        with pytest.raises(MessageTooLarge, match=r"limits\.message_bytes"):
            await client.submit("survey", input={"text": "x" * 1000})


async def test_a_failed_project_raises_its_outcome(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey")
        failed = Failed(error=ErrorInfo(code="handler_error", message="it broke", task=f"{handle.id}/0/3"))
        await running.director.end(handle.id, failed)
        with pytest.raises(ProjectFailed, match=r"it broke .*handler_error") as caught:
            await handle.result()
        assert caught.value.outcome == failed
        assert await handle.outcome() == failed


async def test_an_error_in_the_body_leaves_the_client_as_it_is(cluster):
    async with cluster() as running:
        with pytest.raises(KeyError):
            async with running.client():
                raise KeyError("mine")


async def test_a_cancelled_project_says_why(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey")
        await handle.cancel("enough")
        await running.director.end(handle.id, running.director.outcomes[handle.id])
        assert await handle.outcome() == Cancelled(reason="enough")


async def test_a_client_that_comes_later_gets_the_result_by_id(cluster):
    async with cluster() as running:
        async with running.client() as client:
            handle = await client.submit("survey")
        await running.director.end(handle.id)
        async with running.client() as later:
            assert await later.project(handle.id).result() == {"lines": 42}


async def test_an_unknown_project_is_told_apart(cluster):
    async with cluster() as running, running.client() as client:
        with pytest.raises(UnknownProject):
            await client.project(ID).result()
        with pytest.raises(UnknownProject):
            await client.project(ID).status()
        with pytest.raises(UnknownProject):
            await client.project(ID).cancel()
        with pytest.raises(InvalidInput, match="UUID"):
            client.project("mine")


async def test_projects_are_listed(cluster):
    async with cluster() as running, running.client() as client:
        handles = [await client.submit("survey") for _ in range(3)]
        assert await client.projects(limit=2) == [{"id": handle.id} for handle in handles[:2]]


async def test_watching_tells_each_change_once_and_ends_with_the_end(cluster):
    async with cluster() as running, running.client() as client:
        handle, seen = await client.submit("survey"), []
        async for status in handle.watch():
            seen.append((status.status, status.tree[0].done))
            running.director.done = min(running.director.done + 5, 10)
            if seen[-1] == ("running", 10):
                await running.director.end(handle.id)
        assert seen == [("running", 0), ("running", 5), ("running", 10), ("succeeded", 10)]


async def test_a_reply_that_makes_no_sense_is_dropped(cluster, caplog):
    async with cluster() as running, running.client(name="me") as client:
        handle = await client.submit("survey")
        await _publish_reply(running, b"\xff not a reply")
        await running.director.end(handle.id)
        assert await handle.result() == {"lines": 42}
        assert "cannot be understood" in caplog.text


async def test_a_cluster_without_a_director_is_told_apart_from_a_slow_one(cluster):
    clock = VirtualClock()
    async with cluster(clock) as running, running.client(answer_within_s=30) as client:
        running.director.mute = True
        with pytest.raises(Unanswered, match=r"not accepted yet: no director answered within 30 s"):
            await _meanwhile(clock, client.submit("survey", id=ID))
        assert len(running.director.seen) == 6  # it asked again every 5 s


async def test_a_result_told_while_the_client_was_away_is_asked_for(cluster):
    clock = VirtualClock()
    async with cluster(clock) as running, running.client() as client:
        handle = await client.submit("survey")
        result = asyncio.ensure_future(handle.result())
        await _settle(clock, 1)
        running.broker.sever()
        await running.director.end(handle.id)
        await _settle(clock, 2)
        running.broker.restore()
        assert await _meanwhile(clock, result) == {"lines": 42}


async def test_a_result_that_was_never_told_is_asked_for_after_half_a_minute(cluster):
    clock = VirtualClock()
    async with cluster(clock) as running, running.client() as client:
        handle = await client.submit("survey")
        await running.director.end(handle.id, tell=False)
        start = clock.now()
        assert await _meanwhile(clock, handle.result()) == {"lines": 42}
        assert 30 <= clock.now() - start < 35


async def test_whoever_did_not_submit_it_hears_of_the_end_within_seconds(cluster):
    clock = VirtualClock()
    async with cluster(clock) as running, running.client() as client, running.client() as reader:
        handle = await client.submit("survey")
        waiting = asyncio.ensure_future(reader.project(handle.id).result())
        await _settle(clock, 20)
        await running.director.end(handle.id, tell=False)
        ended_s = clock.now()
        assert await _meanwhile(clock, waiting) == {"lines": 42}
        assert clock.now() - ended_s <= 6


async def test_a_submission_outlasts_a_lost_connection(cluster):
    clock = VirtualClock()
    async with cluster(clock) as running, running.client() as client:
        running.broker.sever()
        submission = asyncio.ensure_future(client.submit("survey"))
        await _settle(clock, 2)
        running.broker.restore()
        handle = await _meanwhile(clock, submission)
        assert handle.id in running.director.projects


async def test_a_client_that_is_not_open_says_so():
    with pytest.raises(WarrenError, match="async with"):
        await Client("amqp://nowhere").submit("survey")


def test_a_client_s_name_must_fit_into_a_routing_key():
    with pytest.raises(InvalidInput, match=r"not 'a\.b'"):
        Client("amqp://nowhere", name="a.b")


async def _publish_reply(running, body):
    from topology.names import REPLIES
    from warren.broker.port import Outgoing

    await running.director.broker.publish([Outgoing(REPLIES, "reply.me", body)])


async def _settle(clock, seconds):
    """Let the cluster live for some virtual seconds."""
    for _ in range(int(seconds * 4)):
        for _ in range(20):
            await asyncio.sleep(0)
        clock.advance(0.25)


async def _meanwhile(clock, awaitable):
    """Await something while the virtual time goes on; a hundred virtual seconds are enough for everything here."""
    task = asyncio.ensure_future(awaitable)
    for _ in range(100):
        if task.done():
            break
        await _settle(clock, 1)
    assert task.done(), "nothing came of it"
    return await task


async def test_a_client_that_has_heard_of_an_end_hears_of_the_next_one(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey", input={"path": "src"})
        await running.director.end(handle.id, Failed(error=ErrorInfo(code="broken", message="no")))
        with pytest.raises(ProjectFailed):
            await handle.result()
        later = Finished(outcome=Succeeded(output={"lines": 7}), accepted_s=1.0, ended_s=9.0, replays=1)
        for said in (later, running.director.finished(handle.id)):  # the old one again, as brokers may deliver it
            await running.director.reply(running.director.callers[handle.id], said)

        async def heard():
            return await handle.outcome() == later.outcome

        await wait_until(heard)


async def test_an_id_in_upper_case_is_the_same_id(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey", id=ID.upper())
        assert handle.id == ID
        assert client.project(ID.upper()).id == ID


async def test_a_handle_prints_its_project_and_what_is_known_of_it(cluster):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey", id=ID)
        assert repr(handle) == f"<Handle of project {ID}, not known to have ended>"
        await running.director.end(ID)
        await handle.result()
        assert repr(handle) == f"<Handle of project {ID}, succeeded>"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"code": "handler_error", "message": "no x", "type": "ValueError", "skill": "greet", "attempts": 3},
            "greet failed after 3 attempts: ValueError: no x (handler_error)",
        ),
        (
            {"code": "retry_wanted", "message": "the line is busy", "type": "Retry", "skill": "call", "attempts": 1},
            "call gave up after 1 attempt: the line is busy (retry_wanted)",
        ),
        ({"code": "handler_error", "message": "KeyError", "type": "KeyError"}, "KeyError (handler_error)"),
        ({"code": "over_budget", "message": "too much", "task": "P/0"}, "too much (over_budget), task P/0"),
    ],
)
async def test_a_failure_says_who_failed_how_often_and_of_what(cluster, facts, words):
    async with cluster() as running, running.client() as client:
        handle = await client.submit("survey", id=ID)
        await running.director.end(ID, Failed(error=ErrorInfo(**facts)))
        with pytest.raises(ProjectFailed) as caught:
            await handle.result()
    assert str(caught.value) == f"project {ID} failed: {words}"


async def test_a_submission_is_a_span_of_the_provider_that_the_client_was_given(cluster):
    exported = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exported))
    async with cluster() as running, running.client(tracer_provider=tracers) as client:
        handle = await client.submit("survey")
        [span] = exported.get_finished_spans()
        headers = running.director.seen[0][2].headers
    assert (span.name, span.attributes["warren.project.id"]) == ("submit survey", handle.id)
    assert headers["traceparent"].split("-")[2] == format_span_id(span.context.span_id)


async def test_a_submission_without_a_director_ends_its_span_when_the_broker_has_it(cluster):
    exported = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exported))
    async with cluster() as running, running.client(tracer_provider=tracers, answer_within_s=5.0) as client:
        running.director.mute = True
        submitting = asyncio.create_task(client.submit("survey"))
        await wait_until(exported.get_finished_spans)
        assert not submitting.done()
        submitting.cancel()
        await asyncio.wait({submitting})
    [span] = exported.get_finished_spans()
    assert span.status.is_unset


async def test_whoever_submits_finds_the_trace_of_the_project_in_what_it_hears(cluster):
    tracers = TracerProvider(shutdown_on_exit=False)
    async with cluster() as running, running.client(tracer_provider=tracers) as client:
        handle = await client.submit("survey")
        assert handle.trace_headers == {"traceparent": running.director.seen[0][2].headers["traceparent"]}


async def test_a_project_that_nobody_traces_has_no_headers_to_go_on_with(cluster):
    async with cluster() as running, running.client() as client:
        assert (await client.submit("survey")).trace_headers == {}
