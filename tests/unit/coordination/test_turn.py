"""What outcomes do to a plan in the ledger, and what they do not."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warren.ids import is_within
from warren.ledger.rebuild import rebuild
from warren.messages.outcome import Cancelled, Expired, Succeeded
from warren.messages.written import Written, output_of
from warren.patterns.plan import parse_plan

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
CALL = {"kind": "call", "skill": "work", "input": {"n": "input.n"}}
ITEM = {"kind": "call", "skill": "work", "input": {"n": "item"}}
FAN = {"kind": "map", "items": "input.items", "do": ITEM, "window": 2, "reduce": "sum"}


def sequence(**steps):
    return {"kind": "sequence", "steps": steps}


def parallel(on_error="fail", **branches):
    return {"kind": "parallel", "branches": branches, "on_error": on_error}


async def test_a_plan_begins_with_rows_and_what_is_to_be_sent(office):
    effects = await office.begin(FAN, items=[5, 6, 7], priority=6, deadline_at=5_000.0)
    assert [(each.id.removeprefix(LEAD), each.input, each.team, each.skill) for each in effects.unsent] == [
        ("/0/0", '{"n":5}', "scouts", "work"),
        ("/0/1", '{"n":6}', "scouts", "work"),
    ]
    assert {(each.priority, each.deadline_at, each.attempt) for each in effects.unsent} == {(6, 5_000.0, 1)}
    assert await office.statuses() == {"/0/0": "open", "/0/1": "open"}
    assert await office.node_statuses() == {"/0": "open"}


async def test_outcomes_move_the_plan_on_to_its_end(office, result_of):
    await office.begin(FAN, items=[5, 6, 7])
    effects = await office.settle(result_of("/0/1", n=2), result_of("/0/0", n=1))
    assert [each.id for each in effects.unsent] == [f"{LEAD}/0/2"]
    effects = await office.settle(result_of("/0/2", n=4))
    (ended,) = effects.ended
    assert (ended.owner.id, output_of(ended.outcome)) == (LEAD, {"n": 7})
    assert (await office.rows())[LEAD].status == "succeeded"
    assert await office.node_statuses() == {"/0": "succeeded"}


async def test_a_delegate_says_who_waits_for_it_and_goes_on_when_it_is_heard(office, result_of):
    nested = {"kind": "delegate", "team": "analysts", "plan": CALL}
    effects = await office.begin(sequence(a=nested, b=CALL), n=3)
    (unsent,) = effects.unsent
    assert (unsent.kind, unsent.team, unsent.report_to) == ("assignment", "analysts", "scouts")
    assert parse_plan(json.loads(unsent.plan)) == parse_plan(CALL)
    inner = f"{LEAD}/0/0"
    await office.start(inner)
    effects = await office.settle(result_of(f"{inner}/0", n=9, owner=inner))
    assert [each.owner.report_to for each in effects.ended] == ["scouts"]
    effects = await office.settle(result_of("/0/0", n=9))
    assert [each.id for each in effects.unsent] == [f"{LEAD}/0/1"]


async def test_duplicates_change_nothing(office, result_of, broken):
    await office.begin(sequence(a=CALL, b=FAN), n=1, items=[1, 2, 3])
    first = result_of("/0/0", n=1)
    for outcome in (first, result_of("/0/1/0", n=1)):
        await office.settle(outcome, outcome)
        before = await office.event_count(), await office.rows()
        effects = await office.settle(outcome, first, result_of("/0/0", broken()))
        assert (effects.unsent, effects.ended, effects.took) == ([], [], [])
        assert (await office.event_count(), await office.rows()) == before


@pytest.mark.parametrize(
    "stray",
    [
        {"path": "/0/7"},
        {"path": "/9/9/9"},
        {"path": "elsewhere"},
        {"path": ""},
        {"path": f"{PROJECT}/0", "owner": f"{PROJECT}/0"},
        {"path": "/0/0", "owner": PROJECT},
        {"path": "/0/0", "owner": "nobody"},
        {"path": f"{PROJECT}", "owner": PROJECT},
        {"path": f"{PROJECT}", "owner": f"{PROJECT}/0"},
        {"path": "/0/0", "attempt": 0},
    ],
    ids=str,
)
async def test_results_that_belong_to_nobody_change_nothing(office, result_of, stray):
    await office.begin(FAN, items=[1, 2])
    before = await office.event_count(), await office.rows()
    effects = await office.settle(result_of(stray.pop("path"), n=1, **stray))
    assert (effects.unsent, effects.ended) == ([], [])
    assert (await office.event_count(), await office.rows()) == before


async def test_a_stale_attempt_beside_a_valid_one_does_not_hide_it(office, result_of, broken):
    await office.begin(FAN, items=[1])
    effects = await office.settle(result_of("/0/0", n=1), result_of("/0/0", broken(), attempt=0))
    assert [each.outcome.status for each in effects.ended] == ["succeeded"]


async def test_the_first_of_two_different_results_counts(office, result_of, broken):
    await office.begin(FAN, items=[1])
    effects = await office.settle(result_of("/0/0", n=1), result_of("/0/0", broken(), attempt=2))
    assert [each.outcome.status for each in effects.ended] == ["succeeded"]


async def test_what_fails_fast_stops_the_rest_and_all_below_it(office, result_of, broken):
    await office.begin(parallel(a=FAN, b=CALL, c=sequence(d=CALL, e=CALL)), n=1, items=[1, 2, 3])
    effects = await office.settle(result_of("/0/0/0", n=1), result_of("/0/1", broken()), result_of("/0/2/0", n=1))
    assert effects.unsent == []
    assert f"{LEAD}/0" in effects.stopped
    (ended,) = effects.ended
    assert ended.outcome == broken()
    assert await office.statuses() == {
        "/0/0/0": "succeeded",
        "/0/0/1": "cancelled",
        "/0/0/2": "cancelled",
        "/0/1": "failed",
        "/0/2/0": "succeeded",
        "/0/2/1": "cancelled",
    }
    assert await office.node_statuses() == {"/0": "failed", "/0/0": "cancelled", "/0/2": "cancelled"}


async def test_results_after_the_end_change_nothing(office, result_of, broken):
    await office.begin(parallel(a=CALL, b=CALL), n=1)
    await office.settle(result_of("/0/0", broken()))
    before = await office.event_count(), await office.rows()
    await office.settle(result_of("/0/1", n=1))
    assert (await office.event_count(), await office.rows()) == before


@pytest.mark.parametrize("outcome", [Cancelled(reason="enough"), Expired(reason="late")])
async def test_an_owner_that_is_ended_from_outside_takes_everything_with_it(office, result_of, outcome):
    nested = {"kind": "delegate", "team": "analysts", "plan": FAN}
    await office.begin(parallel(a=FAN, b=nested), items=[1, 2, 3])
    await office.start(f"{LEAD}/0/1")
    effects = await office.finish(PROJECT, outcome)
    assert [(each.owner.id, each.outcome) for each in effects.ended] == [(PROJECT, outcome)]
    rows = await office.rows()
    assert rows.pop(PROJECT).status == outcome.status
    assert {row.status for row in rows.values()} == {"cancelled"}
    before = await office.event_count()
    late = [result_of("/0/0/0", n=1), result_of("/0/1/0/0", n=1, owner=f"{LEAD}/0/1"), result_of("/0/1", n=1)]
    effects = await office.settle(*late)
    assert (effects.unsent, effects.ended, await office.event_count()) == ([], [], before)


async def test_a_failed_assignment_closes_what_its_lead_had_open(office, result_of, broken):
    """As when the broker gives the assignment up although its lead was at work."""
    nested = {"kind": "delegate", "team": "analysts", "plan": FAN}
    await office.begin(parallel("continue", a=nested, b=CALL), n=1, items=[1, 2])
    await office.start(f"{LEAD}/0/0")
    effects = await office.settle(result_of("/0/0", broken()))
    assert list(effects.stopped) == [f"{LEAD}/0/0"]
    statuses = await office.statuses()
    assert {statuses["/0/0/0/0"], statuses["/0/0/0/1"]} == {"cancelled"}
    assert statuses["/0/1"] == "open"


async def test_one_batch_may_end_an_owner_and_speak_of_others_below_it(office, result_of, broken):
    deepest = {"kind": "delegate", "team": "scouts", "plan": CALL}
    nested = {"kind": "delegate", "team": "analysts", "plan": deepest}
    await office.begin(parallel(a=nested, b=CALL), n=1)
    for owner in (f"{LEAD}/0/0", f"{LEAD}/0/0/0"):
        await office.start(owner)
    stopped_result = result_of("/0/0/0", Cancelled(reason="no longer wanted"), owner=f"{LEAD}/0/0")
    effects = await office.settle(result_of("/0/1", broken()), stopped_result)
    assert [each.owner.id for each in effects.ended] == [LEAD]
    assert (await office.rows())[f"{LEAD}/0/0"].status == "cancelled"
    assert (await rebuild(office.ledger)).is_equal


@pytest.mark.parametrize(
    ("child", "code"),
    [
        ({"kind": "call", "skill": "work", "input": "input.items"}, "not_an_object"),
        ({"kind": "delegate", "team": "analysts", "input": "input.items", "plan": CALL}, "not_an_object"),
        ({"kind": "call", "skill": "work", "input": {"n": "input.items[::0]"}}, "expression_failed"),
        ({"kind": "map", "items": "input.nothing", "do": ITEM}, "items_not_a_list"),
        (sequence(a={"kind": "map", "items": "input.n", "do": ITEM}), "items_not_a_list"),
        ({"kind": "map", "items": "input.items", "do": {"kind": "map", "items": "item", "do": ITEM}}, "map_failed"),
    ],
    ids=str,
)
async def test_a_child_that_cannot_begin_is_a_child_that_has_failed(office, result_of, child, code):
    effects = await office.begin(parallel("continue", a=child, b=CALL), n=1, items=[1])
    assert [each.id for each in effects.unsent] == [f"{LEAD}/0/1"]
    effects = await office.settle(result_of("/0/1", n=1))
    (ended,) = effects.ended
    assert output_of(ended.outcome)["errors"]["a"]["code"] == code
    assert not {"open"} & {*(await office.statuses()).values(), *(await office.node_statuses()).values()}
    assert (await rebuild(office.ledger)).is_equal


async def test_a_plan_whose_first_step_cannot_begin_ends_in_the_turn_that_begins_it(office):
    effects = await office.begin({"kind": "map", "items": "input.nothing", "do": ITEM})
    (ended,) = effects.ended
    assert (ended.owner.id, ended.outcome.error.code) == (LEAD, "items_not_a_list")
    assert effects.unsent == []


@pytest.mark.parametrize("letter", ["x", "ü", "😀"])
async def test_an_input_is_measured_as_it_goes_over_the_wire(new_office, letter):
    async with new_office(limit_bytes=10_000) as office:
        size = len(letter.encode())
        plan = {**FAN, "tolerate": "all", "do": {**CALL, "input": {"a": "item", "b": "item", "c": "item"}}}
        effects = await office.begin(plan, items=[letter * (3_000 // size), letter * (3_400 // size)])
        assert [each.id.removeprefix(LEAD) for each in effects.unsent] == ["/0/0"]
        assert "message_too_large" in (await office.rows())[f"{LEAD}/0/1"].error


async def test_an_assignment_is_measured_with_its_plan(new_office):
    async with new_office(limit_bytes=10_000) as office:
        plan = {**CALL, "input": dict.fromkeys("ab", f"'{'x' * 3000}'")}
        nested = {"kind": "delegate", "team": "analysts", "plan": plan}
        await office.begin(nested, n="x" * 6_000)
        (ended,) = office.effects[0].ended
        assert (ended.owner.id, ended.outcome.error.code) == (PROJECT, "message_too_large")


async def test_an_output_is_measured_as_it_goes_over_the_wire(new_office, result_of):
    async with new_office(limit_bytes=10_000) as office:
        await office.begin({**FAN, "reduce": "collect"}, items=[1, 2])
        effects = await office.settle(result_of("/0/0", n="😀" * 1_500), result_of("/0/1", n="😀" * 1_500))
        assert [each.outcome.error.code for each in effects.ended] == ["message_too_large"]
        assert (await office.rows())[LEAD].status == "failed"


async def test_run_times_are_learnt_from_what_ran(office, result_of, broken):
    await office.begin({**FAN, "tolerate": "all"}, items=[1, 2])
    effects = await office.settle(result_of("/0/0", n=1), result_of("/0/1", Expired(reason="late")))
    assert effects.took == [(("scouts", "work"), 1.0)]


async def test_a_redelivered_result_brings_what_was_never_confirmed(office, result_of):
    await office.begin(FAN, items=[1, 2, 3])
    first = result_of("/0/0", n=1)
    await office.settle(first)
    assert (await office.settle(first)).unsent == []
    again = await office.settle(first, redelivered=True)
    assert sorted(each.id for each in again.unsent) == [f"{LEAD}/0/1", f"{LEAD}/0/2"]
    fresh = await office.settle(result_of("/0/1", n=1), redelivered=True)
    assert [each.id for each in fresh.unsent] == [f"{LEAD}/0/2"]


async def test_a_redelivered_result_brings_an_outcome_that_was_never_reported(office, result_of):
    await office.begin(FAN, items=[1])
    await office.settle(result_of("/0/0", n=1))
    assert (await office.settle(result_of("/0/0", n=1))).ended == []
    (ended,) = (await office.settle(result_of("/0/0", n=1), redelivered=True)).ended
    assert (ended.owner.id, output_of(ended.outcome)) == (LEAD, {"n": 1})


async def test_what_a_rolled_back_transaction_brought_is_forgotten(office, result_of):
    """The same task reports twice; the transaction of the first report is lost, so the second one counts."""
    then = {"kind": "map", "items": "results.a.items", "do": ITEM, "reduce": "sum"}
    await office.begin(sequence(a=CALL, b=then), n=1)

    def fails(transaction):
        office.carrier.settle(transaction, office_results(result_of("/0/0", items=[1, 2])), office.now)
        transaction.flush()
        raise RuntimeError("no commit")

    with pytest.raises(RuntimeError):
        await office.ledger.transact(fails)
    effects = await office.settle(result_of("/0/0", items=[7, 8, 9]))
    assert [json.loads(each.input) for each in effects.unsent] == [{"n": 7}, {"n": 8}, {"n": 9}]


def office_results(*results):
    from warren.coordination.settlement import Incoming

    return [Incoming(each, redelivered=False) for each in results]


PLANS = [
    sequence(a=FAN, b={"kind": "map", "items": "input.items", "do": sequence(c=ITEM, d=CALL), "reduce": "count"}),
    parallel("continue", a=FAN, b=sequence(c=CALL, d={**FAN, "tolerate": "all"}), e=CALL),
    {**FAN, "reduce": {"kind": "call", "skill": "work", "input": {"all": "results.items"}}, "tolerate": 1},
    {"kind": "map", "items": "input.items", "do": {**FAN, "chunk": 2}, "window": 2, "tolerate": 2},
    parallel(a=CALL, b=sequence(c=CALL, d={"kind": "map", "items": "input.none", "do": ITEM}), e=FAN),
]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    plan=st.sampled_from(PLANS),
    failing=st.sets(st.integers(0, 12), max_size=3),
    random=st.randoms(use_true_random=False),
)
async def test_any_order_and_any_duplication_give_the_same_rows(new_office, result_of, broken, plan, failing, random):
    data = {"n": 1, "items": [1, 2, 3], "none": []}

    def outcome(path):
        number = sum(map(ord, path))
        return result_of(path, broken(path) if number % 13 in failing else None, n=number, owner=owner_of(path))

    async with new_office() as plain, new_office() as other:
        for office in (plain, other):
            await office.begin(plan, **data)
        while opened := await open_tasks(plain):
            await plain.settle(outcome(opened[0]))
        while opened := await open_tasks(other):
            known = [path for path in await other.rows() if path > LEAD]
            batch = [*random.sample(opened, random.randint(1, len(opened))), *random.choices(known, k=2)]
            random.shuffle(batch)
            if random.random() < 0.3:
                other.restart()
            await other.settle(*map(outcome, batch), redelivered=random.random() < 0.2)
        rows, others = await plain.rows(), await other.rows()
        assert rows[LEAD].status == others[LEAD].status
        if not failing:
            assert {path: seen(row) for path, row in rows.items()} == {path: seen(row) for path, row in others.items()}
        assert (await rebuild(other.ledger)).is_equal


def owner_of(path):
    assert is_within(path, LEAD)
    return LEAD


async def open_tasks(office):
    return sorted(path for path, row in (await office.rows()).items() if path > LEAD and row.status == "open")


def seen(row):
    return row.status, row.input, row.output, row.error, row.position, row.parent, row.attempt


async def test_what_a_plan_tolerates_is_no_success_once_the_deadline_has_passed(office, result_of):
    """Its tasks have the same deadline, and whoever sweeps may end them first."""
    await office.begin({**FAN, "tolerate": "all"}, items=[1, 2], deadline_at=1_010.0)
    office.now = 1_010.5
    late = Expired(reason="its deadline passed")
    effects = await office.settle(result_of("/0/0", n=1), result_of("/0/1", late, now=1_010.5))
    (ended,) = effects.ended
    assert ended.outcome == late


async def test_an_output_that_was_kept_in_the_ledger_is_found_there_by_the_plan_above(office, result_of):
    await office.begin({"kind": "map", "items": "input.items", "do": ITEM}, items=[1, 2])
    (ended,) = (await office.settle(result_of("/0/0", n=1), result_of("/0/1", n=2))).ended
    assert ended.outcome == Written('{"items":[{"n":1},{"n":2}]}')
    report = result_of(LEAD, Succeeded(output={}), owner=PROJECT).model_copy(update={"kept": True})
    (told,) = (await office.settle(report)).ended
    assert (told.owner.id, output_of(told.outcome)) == (PROJECT, {"items": [{"n": 1}, {"n": 2}]})


async def test_a_worker_that_says_its_output_is_kept_elsewhere_changes_nothing(office, result_of):
    await office.begin(CALL, n=1)
    report = result_of("/0", n=1).model_copy(update={"kept": True})
    assert (await office.settle(report)).ended == []
    assert (await office.statuses())["/0"] == "open"
