"""What a real collector is told about real projects."""

import asyncio
import json
import os
import re
import subprocess
import sys
from uuid import UUID, uuid4

import pytest

from topology import names
from topology.names import INGRESS
from warren.broker.port import Outgoing
from warren.broker.rabbit.broker import RabbitBroker
from warren.errors import InvalidInput, ProjectFailed
from warren.messages.codec import encode
from warren.messages.command import Again, Command
from warren.telemetry import contract
from warren.telemetry.context import TraceContext, trace_id_of
from warren.telemetry.prometheus import prometheus_name
from warren.testing.patience import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN_TRACE = "0af7651916cd43dd8448eb211c80319c"
FOREIGN_SPAN = "b7ad6b7169203331"
EACH = {"kind": "map", "items": "input.items", "do": {"kind": "call", "skill": "double", "input": {"n": "item"}}}


def call(skill, *fields):
    return {"kind": "call", "skill": skill, "input": {name: f"input.{name}" for name in fields}}


def delegated(plan):
    return {"kind": "delegate", "team": "scouts", "plan": plan}


def whole(task, *below):
    """The outline of a project of one task."""
    outer = ["invoke_workflow plan", "  assignment scouts", "    wait warren.lead.scouts", f"    {task}"]
    return [*outer, *(f"      {name}" for name in below)]


def below(trace, name):
    """The only span of that name, and its children's names in order."""
    [span] = trace.named(name)
    return span, [child.name for child in trace.children(span)]


async def test_a_project_that_succeeds_is_one_tree_of_who_did_what_and_where_it_waited(client, whole_trace):
    handle = await client.submit(plan=delegated(EACH), input={"items": [1, 2]})
    assert await handle.result() == {"items": [{"n": 2}, {"n": 4}]}
    trace = await whole_trace(handle.id, spans=10)
    assert trace.outline() == [
        "invoke_workflow plan",
        "  assignment scouts",
        "    wait warren.lead.scouts",
        "    map",
        "      task double",
        "        wait warren.work.scouts.double",
        "        invoke_agent double",
        "      task double",
        "        wait warren.work.scouts.double",
        "        invoke_agent double",
    ]
    [root] = trace.roots()
    assert root.attributes["warren.project.id"] == handle.id
    assert {span.service for span in trace.spans} == {"warren-director", "warren-teamlead", "warren-worker"}
    assert {span.error for span in trace.spans} == {None}
    assert all(span.instance for span in trace.named("invoke_agent double"))


async def test_steps_branches_and_votes_are_told_by_name(client, whole_trace):
    vote = {**EACH, "reduce": "majority"}
    branches = {"fine": delegated(vote), "lost": delegated(call("hopeless", "n"))}
    both = {"kind": "parallel", "on_error": "continue", "branches": branches}
    plan = {"kind": "sequence", "steps": {"first": delegated(call("double", "n")), "then": both}}
    handle = await client.submit(plan=plan, input={"n": 1, "items": [2, 2, 3]})
    await handle.result()
    trace = await whole_trace(handle.id, spans=28)
    [sequence], [parallel], [fan] = trace.named("sequence"), trace.named("parallel"), trace.named("map")
    first, then = trace.children(sequence)
    assert (first.name, then.name) == ("assignment scouts", "parallel")
    assert [one.attributes["warren.step"] for one in (first, then)] == ["first", "then"]
    assert {one.attributes["warren.step"] for one in trace.children(parallel)} == {"fine", "lost"}
    [(event, _, about)] = parallel.events
    assert (event, about["warren.step"], about["warren.outcome"]) == ("warren.branch.lost", "lost", "failed")
    won = {name: value for name, value in fan.attributes.items() if name.startswith("warren.vote.")}
    assert won == {"warren.vote.value": '{"n":4}', "warren.vote.votes": 2, "warren.vote.of": 3}


def logged(cluster, member, **facts):
    """The lines that a process has logged with these facts."""
    lines = cluster.members[member].log.read_text().splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in told if facts.items() <= line.items()]


async def test_each_try_is_a_sibling_linked_to_the_one_before_with_its_time_on_the_ladder(client, cluster, whole_trace):
    handle = await client.submit(plan=delegated(call("moody", "n")), input={"n": 7})
    assert await handle.result() == {"n": 7}
    trace = await whole_trace(handle.id, spans=12)
    climb, agent = "wait retry ladder", "invoke_agent moody"
    assert trace.outline() == whole("task moody", *("wait warren.work.scouts.moody", agent, climb) * 3)[:-1]
    [task] = trace.named("task moody")
    assert task.attributes["warren.attempts"] == 3
    assert task.error is None
    first, second, third = trace.named(agent)
    assert [one.attributes["warren.attempt"] for one in (first, second, third)] == [1, 2, 3]
    assert (first.links, second.links, third.links) == ([], [first.span_id], [second.span_id])
    assert (first.error, third.error) == ("not in the mood for 7", None)
    assert first.attributes["error.type"] == "handler_error"
    [(_, _, about)] = first.events
    assert (about["exception.type"], about["exception.message"]) == ("ValueError", "not in the mood for 7")
    [said] = logged(cluster, "worker scouts", task=f"{handle.id}/0/0", attempt=1, message="an attempt failed")
    assert (said["trace_id"], said["span_id"]) == (first.trace_id, first.span_id)
    for ladder in trace.named(climb):
        assert (ladder.end_ns - ladder.start_ns) / 1e9 == pytest.approx(ladder.attributes["warren.delay_s"], abs=1e-3)


async def test_a_task_that_was_given_up_shows_why_from_the_last_try_to_the_project(client, whole_trace):
    handle = await client.submit(plan=delegated(call("hopeless", "n")), input={"n": 9})
    with pytest.raises(ProjectFailed, match="never 9"):
        await handle.result()
    trace = await whole_trace(handle.id, spans=9)
    tries = ("wait warren.work.scouts.hopeless", "invoke_agent hopeless")
    assert trace.outline() == whole("task hopeless", *tries, "wait retry ladder", *tries)
    [root], [task] = trace.roots(), trace.named("task hopeless")
    assert (root.error, task.error) == ("never 9", "never 9")
    first, last = trace.named("invoke_agent hopeless")
    assert last.links == [first.span_id]
    [(event, _, about)] = last.events
    assert (event, about["exception.type"], about["exception.message"]) == ("exception", "RuntimeError", "never 9")
    assert "never 9" in about["exception.stacktrace"]


async def test_a_cancelled_project_shows_what_was_stopped_and_that_it_is_no_fault(client, whole_trace, tmp_path):
    begun = tmp_path / "begun"
    handle = await client.submit(plan=delegated(call("sleepy", "file")), input={"file": str(begun)})
    await wait_until(begun.exists, timeout_s=20)
    await handle.cancel("changed my mind")
    trace = await whole_trace(handle.id, spans=6)
    assert trace.outline() == whole("task sleepy", "wait warren.work.scouts.sleepy", "invoke_agent sleepy")
    [root], [task], [attempt] = trace.roots(), trace.named("task sleepy"), trace.named("invoke_agent sleepy")
    assert [span.attributes["warren.outcome"] for span in (root, task, attempt)] == ["cancelled"] * 3
    assert root.attributes["warren.reason"] == "changed my mind"
    assert {span.error for span in trace.spans} == {None}


async def test_a_publisher_without_a_context_gets_a_trace_that_is_found_by_the_projects_id(publish, whole_trace):
    project = str(uuid4())
    await publish(project)
    trace = await whole_trace(project, spans=6)
    assert trace.outline() == whole("task double", "wait warren.work.scouts.double", "invoke_agent double")
    assert {span.trace_id for span in trace.spans} == {trace_id_of(project)}


async def test_a_foreign_publishers_trace_goes_on_below_its_span(publish, whole_trace, result_of):
    project = str(uuid4())
    headers = {"traceparent": f"00-{FOREIGN_TRACE}-{FOREIGN_SPAN}-01", "tracestate": "a=b", "baggage": "user=alice"}
    await publish(project, headers, skill="spanning")
    trace = await whole_trace(project, spans=7, trace_id=FOREIGN_TRACE, parent=FOREIGN_SPAN)
    *ours, think = trace.outline()
    assert ours == whole("task spanning", "wait warren.work.scouts.spanning", "invoke_agent spanning")
    assert think.strip() == "think"
    [root] = trace.roots()
    assert root.attributes["warren.project.id"] == project
    assert await result_of(project) == {"trace_id": FOREIGN_TRACE, "sampled": "True", "user": "alice"}


async def test_what_a_handler_traces_itself_is_below_its_attempt(client, whole_trace):
    handle = await client.submit(plan=delegated(call("spanning", "n")), input={"n": 3})
    await handle.result()
    trace = await whole_trace(handle.id, spans=7)
    attempt, names = below(trace, "invoke_agent spanning")
    assert names == ["think"]
    [think] = trace.named("think")
    assert (think.service, think.attributes["n"]) == ("warren-worker", 3)
    assert (think.instance, think.start_ns >= attempt.start_ns) == (attempt.instance, True)


async def test_a_publisher_that_does_not_sample_gets_no_spans_and_handlers_learn_it(publish, collector, result_of):
    left_out, project, seen = "1" * 32, str(uuid4()), str(uuid4())
    await publish(project, {"traceparent": f"00-{left_out}-{FOREIGN_SPAN}-00"}, skill="spanning")
    assert await result_of(project) == {"trace_id": left_out, "sampled": "False", "user": "None"}
    await publish(seen)
    await collector.has(lambda _: len(collector.trace(trace_id_of(seen)).spans) == 6)
    assert collector.trace(left_out).spans == []


async def test_a_context_that_makes_no_sense_does_no_harm(publish, whole_trace):
    project = str(uuid4())
    await publish(project, {"traceparent": "00-garbage", "tracestate": 17, "baggage": {"not": "text"}})
    await whole_trace(project, spans=6)


async def test_a_large_fan_out_shows_some_of_its_children_and_says_how_many_it_left_out(client, whole_trace):
    handle = await client.submit(plan=delegated(EACH), input={"items": list(range(100))})
    await handle.result()
    trace = await whole_trace(handle.id, spans=4 + 3 * 40)
    [fan] = trace.named("map")
    told = {
        name.removeprefix("warren.children."): value for name, value in fan.attributes.items() if "children" in name
    }
    assert told == {"total": 100, "failed": 0, "shown": 40, "left_out": 60}
    assert len(trace.named("task double")) == 40


async def test_a_large_fan_out_over_teams_shows_as_many_assignments_as_it_says(client, whole_trace):
    each = {**EACH, "do": delegated(call("double", "n")) | {"input": {"n": "item"}}}
    handle = await client.submit(plan=each, input={"items": list(range(60))})
    await handle.result()
    seen = await whole_trace(str(handle.id), spans=2 + 5 * 36)
    [fan] = seen.named("map")
    assert (fan.attributes["warren.children.shown"], fan.attributes["warren.children.left_out"]) == (36, 24)
    assert len(seen.named("assignment scouts")) == 36


async def test_processes_say_what_they_measure_to_the_collector_and_to_whoever_scrapes_them(
    client, cluster, collector, page_of
):
    handle = await client.submit(plan=delegated(call("hopeless", "n")), input={"n": 1})
    with pytest.raises(ProjectFailed):
        await handle.result()
    with pytest.raises(InvalidInput):
        await client.submit("no-such-playbook")
    assert "warren_ready 1" in await page_of("director")
    wanted = {one.name for one in contract.METRICS}
    series_of = {prometheus_name(one): one.name for one in contract.METRICS}

    async def scraped():
        text = "".join([await page_of(name) for name in ("director", "lead scouts", "worker scouts")])
        names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
        return {series_of[name] for name in names} == wanted

    await wait_until(scraped, timeout_s=20)
    await wait_until(lambda: {name for _, name in collector.metrics} >= wanted, timeout_s=20)


async def test_a_replayed_dead_letter_goes_on_in_the_same_trace_and_nothing_is_told_twice(
    client, cluster, whole_trace, tmp_path
):
    bar = tmp_path / "bar"
    bar.touch()
    handle = await client.submit(plan=delegated(call("barred", "file")), input={"file": str(bar)})
    with pytest.raises(ProjectFailed, match="barred"):
        await handle.result()
    first = await whole_trace(handle.id, spans=6)
    bar.unlink()
    command = Command(verb="replay", project=handle.id, tasks=[Again(id=f"{handle.id}/0/0")])
    async with RabbitBroker(cluster.amqp_url, name="operator") as broker:
        await broker.publish([Outgoing(INGRESS, "command.replay", encode(command))])
    trace = await whole_trace(handle.id, spans=11)
    news = [span for span in trace.spans if span.span_id not in first.by_id()]
    assert trace.outline() == [
        "invoke_workflow plan",
        "  assignment scouts",
        "    wait warren.lead.scouts",
        "    task barred",
        "      wait warren.work.scouts.barred",
        "      invoke_agent barred",
        "  invoke_workflow plan",
        "    assignment scouts",
        "      task barred",
        "        wait warren.work.scouts.barred",
        "        invoke_agent barred",
    ]
    assert len(news) == 5
    failed, done = trace.named("invoke_agent barred")
    assert (failed.error, done.error, done.attributes["warren.attempt"]) == ("the way is barred", None, 2)
    assert done.links == [failed.span_id]
    assert {span.attributes.get("warren.replay") for span in trace.named("invoke_workflow plan")} == {None, 1}


@pytest.mark.parametrize("skill", ["program", "burning"])
async def test_a_program_and_another_process_are_told_the_span_they_are_below(skill, client, whole_trace):
    handle = await client.submit(plan=delegated(call(skill, "n")), input={"n": 1})
    parent = (await handle.result())["text"].strip()
    trace = await whole_trace(handle.id, spans=6)
    [attempt] = trace.named(f"invoke_agent {skill}")
    assert parent == f"00-{trace_id_of(handle.id)}-{attempt.span_id}-01"


async def test_what_is_submitted_from_the_command_line_begins_with_its_submission(cluster, collector, whole_trace):
    command = (sys.executable, "-m", "warren.cli", "submit", "doubling", "--set", "n=4", "--wait", "--json")
    environment = {**os.environ, **collector.environment(), "WARREN_AMQP_URL": cluster.amqp_url}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    project = next(trace.trace_id for trace in collector.spans if trace.name == "submit doubling")
    trace = await whole_trace(str(UUID(project)), spans=7)
    assert trace.outline() == [
        "submit doubling",
        "  invoke_workflow doubling",
        "    assignment scouts",
        "      wait warren.lead.scouts",
        "      task double",
        "        wait warren.work.scouts.double",
        "        invoke_agent double",
    ]
    [submission], [project] = trace.roots(), trace.named("invoke_workflow doubling")
    assert (submission.service, submission.kind, submission.error) == ("warren-cli", "producer", None)
    assert submission.end_ns < project.end_ns


async def test_every_message_that_tells_of_a_project_carries_its_trace(client, cluster):
    heard = {}
    context = None
    bindings = [(names.EVENTS, "project.*"), (names.RESULTS, "result.#"), (names.REPLIES, "reply.#")]
    async with RabbitBroker(cluster.amqp_url, name="listener") as broker, broker.inbox(bindings) as inbox:
        handle = await client.submit(plan=delegated(call("double", "n")), input={"n": 1})
        context = TraceContext(trace_id_of(handle.id))
        while len(heard) < 6:
            for delivery in await inbox.receive():
                if handle.id.encode() in delivery.body:
                    heard[kind_of(delivery)] = TraceContext.from_headers(delivery.properties.headers)
    assert {one.trace_id for one in heard.values()} == {context.trace_id}
    assert {kind: one.parent_id for kind, one in heard.items()} == {
        "warren.project.accepted": context.span_id(handle.id),
        "warren.project.succeeded": context.span_id(handle.id),
        "accepted": context.span_id(handle.id),
        "finished": context.span_id(handle.id),
        "result.director": context.span_id(f"{handle.id}/0"),
        "result.scouts": context.span_id(f"{handle.id}/0/0"),
    }
    assert handle.trace_headers["traceparent"] == context_of(handle).traceparent(context.span_id(handle.id))


def kind_of(delivery):
    """The event's type, the answer's kind, or whose result it is."""
    body = json.loads(delivery.body)
    if delivery.exchange == names.EVENTS:
        assert body["traceparent"] == delivery.properties.headers["traceparent"]
        return body["type"]
    return body["answer"]["kind"] if delivery.exchange == names.REPLIES else delivery.routing_key


def context_of(handle):
    return TraceContext(trace_id_of(handle.id), sampled=True)
