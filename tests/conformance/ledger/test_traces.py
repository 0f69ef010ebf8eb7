"""What has ended is exported once, and read as it happened, on both databases."""

import json

from warren.ledger.event import NodesChanged, Overtaken, Planned, Reopened, Settled, Stopped, Traced
from warren.ledger.excerpt import Limits
from warren.ledger.schema import plans, tasks
from warren.ledger.timeline import step_of, timeline, whole_timeline
from warren.ledger.untraced import claim_untraced

P = "0197f0a0-0000-7000-8000-000000000001"
Q = "0197f0a0-0000-7000-8000-000000000002"


def claim(ledger, *, before=100.0, limit=8):
    return ledger.transact(lambda transaction: claim_untraced(transaction, before, limit, 200.0))


def read(ledger, owner, **limits):
    return ledger.read(lambda transaction: timeline(transaction, owner, Limits(**limits)))


async def test_what_has_ended_is_claimed_once(ledger, append, accepted, settled):
    await append(accepted(P), accepted(Q))
    assert await claim(ledger) == []
    await append(Settled(P, 12.0, [settled(P)]))
    assert await claim(ledger, before=12.0) == []
    assert await claim(ledger) == [P]
    assert await claim(ledger) == []


async def test_two_coordinators_that_claim_at_once_share_the_work(ledger, append, accepted, settled, is_postgres):
    await append(accepted(P), accepted(Q), Settled(P, 12.0, [settled(P)]), Settled(Q, 12.0, [settled(Q)]))
    first, second = await claim(ledger, limit=1), await claim(ledger, limit=1)
    assert (first, second) == ([P], [Q])


async def test_what_was_given_back_is_claimed_again_as_the_same_part(ledger, append, accepted, settled, rows):
    await append(accepted(P), Settled(P, 12.0, [settled(P)]))
    assert await claim(ledger) == [P]
    await append(Traced(P, 201.0, is_back=True))
    assert (await rows(plans))[P]["retold"] == 0
    assert await claim(ledger) == [P]
    assert await claim(ledger) == []


async def test_what_nobody_wants_exported_is_not_claimed(ledger, append, accepted, settled):
    event = accepted(P)
    event.plan["to_trace"] = None
    await append(event, Settled(P, 12.0, [settled(P)]))
    assert await claim(ledger) == []


async def test_what_was_exported_and_is_opened_again_is_claimed_again_as_a_further_part(
    ledger, append, accepted, settled, reopened, rows
):
    await append(accepted(P), Settled(P, 12.0, [settled(P, "failed")]))
    await append(Reopened(P, 13.0, [reopened(P)], []))
    assert (await rows(plans))[P]["retold"] == 0, "nothing of it was exported yet"
    await append(Settled(P, 14.0, [settled(P, "failed")]))
    assert await claim(ledger) == [P]
    await append(Reopened(P, 15.0, [reopened(P, replays=2)], []), Settled(P, 16.0, [settled(P)]))
    row = (await rows(plans))[P]
    assert (row["retold"], row["reopened_at"], row["to_trace"]) == (1, 15.0, True)
    assert await claim(ledger) == [P]


async def test_a_timeline_has_the_lines_of_one_plan_in_order_and_leaves_others_to_their_own(
    ledger, append, accepted, assigned, task, node, settled
):
    await append(
        accepted(P),
        NodesChanged(P, 10.0, [node(f"{P}/0", kind="sequence", state='{"at":1}')]),
        Planned(P, 10.0, [task(f"{P}/0/0", kind="assignment", skill=None)], []),
        Planned(P, 10.0, [task(f"{P}/0/1")], []),
        Planned(f"{P}/0/0", 10.0, [task(f"{P}/0/0/0", owner=f"{P}/0/0")], []),
        Settled(P, 12.0, [settled(f"{P}/0/1", history='[{"attempt":1,"code":"x"}]', attempt=2)]),
    )
    found = await read(ledger, P)
    assert [(line.id, line.kind) for line in found.lines] == [
        (f"{P}/0", "sequence"),
        (f"{P}/0/0", "assignment"),
        (f"{P}/0/1", "task"),
    ]
    assert (found.owner.name, found.lines[2].history) == ("survey", [{"attempt": 1, "code": "x"}])
    assert await read(ledger, Q) is None


async def test_a_large_fan_out_is_read_in_part_with_what_ended_badly(ledger, append, accepted, task, node):
    state = {"next": 300, "total": 1000, "failed": [{"index": 7}, {"index": 299}], "failures": 2}
    many = [task(f"{P}/0/{index}", position=index) for index in range(300)]
    await append(
        accepted(P), NodesChanged(P, 10.0, [node(f"{P}/0", state=json.dumps(state))]), Planned(P, 10.0, many, [])
    )
    [fan, *children] = (await read(ledger, P, children=50)).lines
    assert (fan.total, fan.shown, fan.failed, len(children)) == (300, len(children), 2, fan.shown)
    assert 45 <= fan.shown <= 50
    assert {f"{P}/0/7", f"{P}/0/299", f"{P}/0/0"} <= {line.id for line in children}


async def test_the_limit_holds_for_fan_outs_within_fan_outs(ledger, append, accepted, task, node):
    inner = {"next": 20, "total": 20}
    nodes = [node(f"{P}/0", state='{"next":20,"total":20}')]
    nodes += [node(f"{P}/0/{outer}", state=json.dumps(inner), owner=P) for outer in range(20)]
    leaves = [task(f"{P}/0/{outer}/{index}") for outer in range(20) for index in range(20)]
    await append(accepted(P), NodesChanged(P, 10.0, nodes), Planned(P, 10.0, leaves, []))
    found = await read(ledger, P, lines=100)
    assert len(found.lines) <= 120
    assert all(line.shown <= 4 for line in found.lines if line.id.count("/") == 2)


MAP = {"kind": "map", "items": "input", "do": {"kind": "delegate", "team": "writers", "plan": {"kind": "call"}}}


async def test_an_assignment_that_is_exported_apart_knows_whether_its_plan_shows_it(
    ledger, append, accepted, task, node
):
    event = accepted(P)
    event.plan["plan"] = json.dumps({"kind": "sequence", "steps": {"first": {"kind": "call"}, "all": MAP}})
    state = {"next": 300, "total": 400, "failed": [{"index": 7}, {"index": 299}], "failures": 2}
    many = [task(f"{P}/0/1/{index}", kind="assignment", skill=None) for index in range(300)]
    nodes = [node(f"{P}/0", kind="sequence", state='{"at":1}'), node(f"{P}/0/1", state=json.dumps(state))]
    await append(event, NodesChanged(P, 10.0, nodes), Planned(P, 10.0, many, []))
    limits = Limits(children=40)

    def left_out(transaction):
        return {row["id"] for row in many if step_of(transaction, row["id"], limits) is None}

    lines = (await read(ledger, P, children=40)).lines
    shown = {line.id for line in lines if line.kind == "assignment"}
    assert await ledger.read(left_out) == {row["id"] for row in many} - shown
    assert {f"{P}/0/1/7", f"{P}/0/1/299", f"{P}/0/1/0"} <= shown
    fan = next(line for line in lines if line.kind == "map")
    assert (fan.total, fan.shown, fan.step) == (300, len(shown), "all")
    assert len(shown) <= 40


async def test_what_is_below_an_assignment_that_is_left_out_is_left_out_too(
    ledger, append, accepted, assigned, task, node
):
    event = accepted(P)
    event.plan["plan"] = json.dumps(MAP)
    nodes = [node(f"{P}/0", state='{"next":9,"total":9}')]
    await append(event, NodesChanged(P, 10.0, nodes), *(assigned(f"{P}/0/{index}") for index in range(9)))

    def steps(transaction):
        return [step_of(transaction, f"{P}/0/{index}/0", Limits(children=3)) for index in range(9)]

    assert (await ledger.read(steps)).count(None) == 6


async def test_steps_are_not_cut_off_in_silence_within_a_large_fan_out(ledger, append, accepted, task, node):
    steps = {f"s{number}": {"kind": "call"} for number in range(12)}
    event = accepted(P)
    event.plan["plan"] = json.dumps({"kind": "map", "do": {"kind": "sequence", "steps": steps}})
    nodes = [node(f"{P}/0", state='{"next":20,"total":20}')]
    nodes += [node(f"{P}/0/{outer}", kind="sequence", state='{"at":11}', owner=P) for outer in range(20)]
    leaves = [task(f"{P}/0/{outer}/{index}") for outer in range(20) for index in range(12)]
    await append(event, NodesChanged(P, 10.0, nodes), Planned(P, 10.0, leaves, []))
    whole = {line.id: line for line in (await read(ledger, P)).lines}
    assert whole[f"{P}/0/3/11"].step == "s11"
    assert whole[f"{P}/0/3"].total == 0, "all of its children are there to be counted"
    cut = {line.id: line for line in (await read(ledger, P, lines=200)).lines}
    assert (cut[f"{P}/0/3"].total, cut[f"{P}/0/3"].shown) == (12, 9)
    assert sum(path.startswith(f"{P}/0/3/") for path in cut) == 9


async def test_a_vote_says_what_won(ledger, append, accepted, node):
    event = accepted(P)
    event.plan["plan"] = json.dumps({"kind": "map", "do": {"kind": "call"}, "reduce": "majority"})
    ended = node(f"{P}/0", status="succeeded", output='{"value":"yes","votes":2,"of":3}')
    await append(event, NodesChanged(P, 10.0, [ended]))
    [line] = (await read(ledger, P)).lines
    assert line.vote == {"value": "yes", "votes": 2, "of": 3}


async def test_a_late_result_of_what_was_stopped_says_who_ran_it_and_changes_nothing_else(
    ledger, append, accepted, task, rows
):
    late = {"id": f"{P}/0", "agent": "w9", "attempt": 1, "started_at": 11.0, "history": None}
    await append(
        accepted(P), Planned(P, 10.0, [task(f"{P}/0")], []), Stopped(P, 12.0, "cancelled", '{"code":"stopped"}')
    )
    before = (await rows(tasks))[f"{P}/0"]
    await append(Overtaken(P, 13.0, [late]))
    after = (await rows(tasks))[f"{P}/0"]
    assert after == {**before, "agent": "w9", "started_at": 11.0}
    await append(Overtaken(P, 14.0, [{**late, "agent": "another"}]))
    assert (await rows(tasks))[f"{P}/0"] == after


async def test_a_projects_whole_timeline_goes_through_its_assignments(ledger, append, accepted, assigned, task):
    await append(accepted(P), assigned(f"{P}/0"), Planned(f"{P}/0", 10.0, [task(f"{P}/0/0", owner=f"{P}/0")], []))
    found = await ledger.read(lambda transaction: list(whole_timeline(transaction, P, Limits())))
    assert [(one.owner.id, [line.id for line in one.lines]) for one in found] == [
        (P, [f"{P}/0"]),
        (f"{P}/0", [f"{P}/0/0"]),
    ]
