"""What the broker will never take, as it is over the broker's own limit: a failure that says so, and no standstill."""

import asyncio

import pytest

from warren.ledger.rebuild import rebuild
from warren.messages.outcome import Succeeded

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LIMIT = {"max_message_bytes": 3_000}
PAD = "x" * 700
LARGE = f"join('', [{', '.join(['item.pad'] * 5)}])"


@pytest.fixture(autouse=True)
async def in_time():
    async with asyncio.timeout(60):
        yield


def fan(skill="work", pad="item.pad", **more):
    call = {"kind": "call", "skill": skill, "input": {"n": "item.n", "pad": pad}}
    return {"kind": "delegate", "team": "scouts", "plan": {"kind": "map", "items": "input.items", "do": call, **more}}


def items(*pads):
    return {"items": [{"n": n, "pad": pad} for n, pad in enumerate(pads)]}


def padded(task):
    """An output of its own that is small enough; six of them are not."""
    return Succeeded(output={"n": task.input["n"], "pad": PAD})


async def outcome(cluster, plan, given):
    await cluster.submit({"id": PROJECT, "plan": plan, "input": given}, key="project.plan")
    await cluster.until(cluster.finished)
    return cluster.finished()[0].outcome


async def test_a_task_that_no_message_holds_fails_and_the_others_of_its_batch_go_on(world):
    async with world(server=LIMIT) as cluster:
        plan = fan(pad=LARGE, tolerate="all")
        ended = await outcome(cluster, plan, items("", PAD, "y"))
        assert ended.output["items"] == [{"n": 0}, {"n": 4}]
        (lost,) = ended.output["failed"]
        assert (lost["code"], lost["task"], lost["skill"]) == ("broker_refuses", f"{PROJECT}/0/0/1", "work")
        assert "larger than configured max size 3000" in lost["message"]
        assert "max_message_size" in lost["message"]
        assert (await cluster.times("tasks.settled"))[f"{PROJECT}/0/0/1"] == 1
        assert (await rebuild(cluster.ledger)).is_equal


async def test_the_project_of_such_a_task_fails_at_once_and_says_why(world):
    async with world(server=LIMIT) as cluster:
        ended = await outcome(cluster, fan(pad=LARGE), items(PAD, ""))
        assert (ended.status, ended.error.code) == ("failed", "map_failed")
        assert "the broker does not take its message of" in ended.error.message
        assert cluster.finished()[0].ended_s - cluster.finished()[0].accepted_s < 1.0


async def test_tasks_that_are_too_much_for_one_message_together_go_one_by_one(world):
    async with world(server=LIMIT) as cluster:
        pad = f"join('', [{', '.join(['item.pad'] * 3)}])"
        assert (await outcome(cluster, fan("bundled", pad), items(PAD, PAD, ""))).output == {
            "items": [{"n": 0}, {"n": 2}, {"n": 4}]
        }


async def test_every_item_of_a_map_may_be_too_large_window_by_window(world):
    async with world(server=LIMIT) as cluster:
        ended = await outcome(cluster, fan(pad=LARGE, tolerate="all", window=1, reduce="count"), items(PAD, PAD, PAD))
        assert ended.status == "succeeded"
        assert {each["code"] for each in ended.output["failed"]} == {"broker_refuses"}
        assert len(ended.output["failed"]) == 3


async def test_an_assignment_that_no_message_holds_fails_without_its_siblings(world):
    large = {**fan(), "input": {"items": "[]", "pad": LARGE.replace("item.pad", "input.pad")}}
    fine = {**fan(), "input": {"items": "input.items"}}
    plan = {"kind": "map", "items": "[`1`, `2`]", "do": large, "tolerate": "all", "reduce": "count"}
    both = {"kind": "parallel", "branches": {"large": plan, "fine": fine}}
    async with world(server=LIMIT) as cluster:
        ended = await outcome(cluster, both, {**items("", "y"), "pad": PAD})
        assert ended.output["fine"] == {"items": [{"n": 0}, {"n": 2}]}
        assert [each["code"] for each in ended.output["large"]["failed"]] == ["broker_refuses"] * 2


async def test_an_assignments_output_that_is_too_large_for_the_way_up_is_read_from_the_ledger(world):
    plan = {"kind": "sequence", "steps": {"fan": fan()}, "output": {"n": "length(results.fan.items)"}}
    async with world(server=LIMIT, outcome_of=padded) as cluster:
        assert (await outcome(cluster, plan, items(*"abcdef"))).output == {"n": 6}


async def test_a_client_is_told_that_its_output_cannot_be_sent_however_it_asks(world):
    async with world(server=LIMIT, outcome_of=padded) as cluster:
        ended = await outcome(cluster, fan(), items(*"abcdef"))
        assert (ended.status, ended.error.code) == ("failed", "broker_refuses")
        assert "it succeeded" in ended.error.message
        await cluster.query({"noun": "result", "project": PROJECT})
        await cluster.until(lambda: len(cluster.finished()) > 1)
        assert cluster.finished()[1].outcome.error.code == "broker_refuses"
        await cluster.pass_time(30)
        assert len(cluster.finished()) == 2
        assert (await cluster.rows())[PROJECT].reported_at is not None
