"""What was given up is done after all, in the ledger: the plan goes on, and nobody is woken twice."""

import json

import pytest

from warren.coordination.replay import Replay
from warren.errors import InvalidInput, MessageTooLarge
from warren.ids import project_of
from warren.ledger.outbox import due
from warren.ledger.rebuild import rebuild
from warren.ledger.schema import nodes
from warren.messages.command import Again, Command
from warren.messages.outcome import Cancelled, Expired, Failed, Succeeded
from warren.messages.result import Result
from warren.messages.tried import Tried
from warren.messages.written import Written, output_of

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
CALL = {"kind": "call", "skill": "work", "input": {"n": "input.n"}}
ITEM = {"kind": "call", "skill": "work", "input": {"n": "item"}}
PAIR = {"kind": "parallel", "branches": {"a": CALL, "b": CALL}}


@pytest.fixture
def replay(office):
    """Replays tasks, and reports the lead's outcome upward as a lead does once it has one."""

    async def do(*ids, **command):
        again = [each if isinstance(each, Again) else Again(id=full(each)) for each in ids]
        wish = Command(verb="replay", project=PROJECT, tasks=again, **command)
        answers = []

        def work(transaction):
            owners = {owner.id: owner for owner in transaction.lock_subtree(PROJECT)}
            answer, effects = Replay(transaction, office.carrier, wish, office.now).carry_out(owners)
            answers.append(answer)
            return effects

        await office.do(work)
        assert (await rebuild(office.ledger)).differences == []
        return answers[0]

    return do


@pytest.fixture
def settle(office, result_of):
    """Tells of results, and brings the outcomes of assignments to whoever waits for them."""

    async def do(*results, replay=None):
        effects = await office.settle(*(each.model_copy(update={"replay": replay}) for each in results))
        while reports := [upward(ended) for ended in effects.ended if ended.owner.kind == "assignment"]:
            effects = await office.settle(*reports)
        return effects

    return do


def upward(ended):
    owner = ended.owner
    return Result(
        id=owner.id,
        owner=owner.owner,
        attempt=owner.attempt,
        outcome=read(ended.outcome),
        started_s=0.0,
        ended_s=ended.ended_s,
        replay=owner.replays or None,
    )


def read(outcome):
    return Succeeded(output=output_of(outcome)) if isinstance(outcome, Written) else outcome


def full(path):
    return LEAD + path if path.startswith("/") else path


def short(ids):
    return [each.removeprefix(LEAD) for each in ids]


def codes(answer):
    return {refusal.id.removeprefix(LEAD): refusal.code for refusal in answer.refused}


async def sent_of(office):
    """What the leads find to be due."""
    return {
        unsent.id.removeprefix(LEAD): unsent
        for unsent in await office.ledger.transact(lambda transaction: due(transaction, office.now, 99))
    }


async def project_status(office):
    return (await office.rows())[PROJECT].status


async def test_a_replayed_task_takes_its_project_to_success(office, settle, replay, result_of, broken):
    await office.begin({"kind": "sequence", "steps": {"a": CALL, "b": CALL}}, n=1)
    await settle(result_of("/0/0", broken()))
    assert await project_status(office) == "failed"

    answer = await replay("/0/0")
    assert short(answer.replayed) == ["/0/0"]
    assert (await project_status(office), await office.node_statuses()) == ("open", {"/0": "open"})
    [sent] = (await sent_of(office)).values()
    assert (sent.id, sent.attempt, sent.replay, sent.history is not None) == (full("/0/0"), 2, 1, True)
    assert [owner.id for owner in office.effects[-1].reopened] == [PROJECT]

    await settle(result_of("/0/0", n=5, attempt=2), replay=1)
    effects = await settle(result_of("/0/1", n=6), replay=1)
    assert [(ended.owner.id, read(ended.outcome)) for ended in effects.ended] == [(PROJECT, Succeeded(output={"n": 6}))]


async def test_whoever_had_heard_of_the_failure_is_woken_once(office, settle, replay, result_of, broken):
    await office.begin({"kind": "sequence", "steps": {"a": CALL, "b": CALL}}, n=1)
    await settle(result_of("/0/0", broken()))
    await replay("/0/0")
    again = result_of("/0/0", n=5, attempt=2)
    await settle(again, replay=1)
    before = await office.event_count()
    await settle(again, replay=1)
    await settle(result_of("/0/0", broken()))
    await office.settle(upward_of_the_lead("failed", broken()))
    assert await office.event_count() == before
    assert (await office.statuses())["/0/1"] == "open"


def upward_of_the_lead(status, outcome, replay=None, attempt=1):
    return Result(id=LEAD, owner=PROJECT, attempt=attempt, outcome=outcome, started_s=0.0, ended_s=1.0, replay=replay)


async def test_an_old_result_says_nothing_of_what_was_opened_again(office, settle, replay, result_of, broken):
    await office.begin({"kind": "map", "items": "input.l", "do": ITEM}, l=[1, 2, 3])
    await settle(result_of("/0/1", broken()))
    answer = await replay("/0/1")
    assert (short(answer.replayed), answer.revived) == (["/0/1"], 2)
    await settle(result_of("/0/0", Cancelled()), result_of("/0/2", broken(), attempt=3), result_of("/0/1", broken()))
    assert await office.statuses() == {"/0/0": "open", "/0/1": "open", "/0/2": "open"}
    await settle(*(result_of(f"/0/{n}", n=n, attempt=2 if n == 1 else 1) for n in range(3)), replay=1)
    assert await project_status(office) == "succeeded"


async def test_what_was_stopped_is_sent_again_and_what_was_done_is_not(office, settle, replay, result_of, broken):
    await office.begin(PAIR | {"branches": {"a": CALL, "b": CALL, "c": CALL}}, n=1)
    await settle(result_of("/0/0", n=1))
    await settle(result_of("/0/1", broken()))
    await replay("/0/1")
    assert sorted(await sent_of(office)) == ["/0/1", "/0/2"]
    await settle(result_of("/0/1", n=2, attempt=2), result_of("/0/2", n=3), replay=1)
    assert await project_status(office) == "succeeded"


async def test_the_second_replay_changes_nothing_and_says_so(office, settle, replay, result_of, broken):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", broken()))
    await replay(Again(id=full("/0"), attempt=1))
    before = await office.event_count()
    answer = await replay(Again(id=full("/0"), attempt=1))
    assert (answer.replayed, short(answer.already)) == ([], ["/0"])
    await settle(result_of("/0", broken(), attempt=2), replay=1)
    answer = await replay(Again(id=full("/0"), attempt=1))
    assert (answer.replayed, short(answer.already)) == ([], ["/0"])
    assert await project_status(office) == "failed"
    assert short((await replay(Again(id=full("/0"), attempt=2))).replayed) == ["/0"]
    assert await office.event_count() > before


async def test_a_task_may_fail_again_and_be_replayed_again(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1)
    for replays in range(3):
        known = (await office.rows())[full("/0/0")].history
        tried = [Tried.model_validate(each) for each in json.loads(known or "[]")]
        failed = result_of("/0/0", broken(), attempt=1 + replays).model_copy(update={"tried": tried or None})
        await settle(failed, replay=replays or None)
        assert await project_status(office) == "failed"
        assert short((await replay("/0/0")).replayed) == ["/0/0"]
    row = (await office.rows())[full("/0/0")]
    assert (row.attempt, row.replays, row.history.count('"attempt"')) == (4, 3, 3)


async def test_an_edited_input_is_the_one_that_is_sent(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1)
    await settle(result_of("/0/0", broken()))
    await replay("/0/0", input={"n": 7})
    sent = await sent_of(office)
    assert {each: unsent.input for each, unsent in sent.items()} == {"/0/0": '{"n":7}', "/0/1": '{"n":1}'}


async def test_an_edited_input_that_cannot_be_sent_changes_nothing(office, settle, replay, result_of, broken):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", broken()))
    before = await office.event_count()
    with pytest.raises(MessageTooLarge):
        await replay("/0", input={"n": "x" * 200_000})
    assert await office.event_count() == before


async def test_an_edited_input_with_a_number_that_no_computer_holds_is_refused(
    office, settle, replay, result_of, broken
):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", broken()))
    before = await office.event_count()
    with pytest.raises(InvalidInput) as refused:
        await replay("/0", input={"n": [1, float("inf")]})
    assert (refused.value.code, refused.value.pointer) == ("number_too_large", "/input/n/1")
    assert await office.event_count() == before


async def test_of_two_that_failed_together_none_is_done_again_alone(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1)
    await settle(result_of("/0/0", broken("one")), result_of("/0/1", broken("two")))
    before = await office.event_count()
    answer = await replay("/0/0")
    assert (answer.replayed, codes(answer)) == ([], {"/0/0": "others_failed"})
    assert "two" in answer.refused[0].message
    assert await office.event_count() == before
    assert sorted(short((await replay("/0/0", "/0/1")).replayed)) == ["/0/0", "/0/1"]


async def test_what_was_only_stopped_names_what_has_to_be_replayed(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1)
    await settle(result_of("/0/0", broken("the cause")))
    answer = await replay("/0/1")
    assert codes(answer) == {"/0/1": "stopped"}
    assert "the cause" in answer.refused[0].message
    assert sorted(short((await replay("/0/1", "/0/0")).replayed)) == ["/0/0", "/0/1"]


async def test_what_does_not_exist_is_refused(office, settle, replay, result_of, broken):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", broken()))
    answer = await replay("/0", "/0/7", PROJECT, "0197f0a0-0000-7000-8000-000000000002/0")
    assert short(answer.replayed) == ["/0"]
    assert set(codes(answer).values()) == {"unknown_task"}
    assert len(answer.refused) == 3


async def test_after_a_cancel_nothing_is_replayed(office, settle, replay, result_of, broken):
    await office.begin({"kind": "map", "items": "input.l", "do": ITEM, "tolerate": 1}, l=[1, 2])
    await settle(result_of("/0/0", broken()))
    await office.finish(PROJECT, Cancelled(reason="enough"))
    before = await office.event_count()
    answer = await replay("/0/0", "/0/1")
    assert codes(answer) == {"/0/0": "project_cancelled", "/0/1": "project_cancelled"}
    assert await office.event_count() == before


async def test_a_tolerated_failure_is_mended_only_while_its_map_runs(office, settle, replay, result_of, broken):
    await office.begin({"kind": "map", "items": "input.l", "do": ITEM, "tolerate": 1, "reduce": "sum"}, l=[1, 2])
    await settle(result_of("/0/0", broken()))
    assert short((await replay("/0/0")).replayed) == ["/0/0"]
    assert office.effects[-1].reopened == []
    await settle(result_of("/0/0", broken(), attempt=2), replay=1)
    await settle(result_of("/0/1", n=1))
    assert await project_status(office) == "succeeded"
    assert codes(await replay("/0/0")) == {"/0/0": "project_ended"}


async def test_a_tolerated_failure_stays_when_its_plan_has_gone_on(office, settle, replay, result_of, broken):
    many = {"kind": "map", "items": "input.l", "do": ITEM, "tolerate": 1}
    await office.begin({"kind": "sequence", "steps": {"many": many, "then": CALL}}, l=[1], n=1)
    await settle(result_of("/0/0/0", broken()))
    assert codes(await replay("/0/0/0")) == {"/0/0/0": "tolerated"}


async def test_a_project_past_its_deadline_goes_on_only_with_more_time(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1, deadline_at=1_500.0)
    await settle(result_of("/0/0", n=1))
    office.now = 1_500.0
    await office.finish(PROJECT, Expired(reason="late"))
    assert codes(await replay("/0/1")) == {"/0/1": "project_expired"}
    answer = await replay("/0/1", timeout_s=60.0)
    assert short(answer.replayed) == ["/0/1"]
    rows = await office.rows()
    assert [rows[each].deadline_at for each in (PROJECT, LEAD, full("/0/1"))] == [1_560.0] * 3
    await settle(result_of("/0/1", n=2, attempt=2), replay=1)
    assert await project_status(office) == "succeeded"


async def test_a_task_past_its_own_deadline_needs_a_new_one(office, settle, replay, result_of):
    limited = {**CALL, "timeout_s": 10.0}
    await office.begin(PAIR | {"branches": {"a": limited, "b": limited}}, n=1, deadline_at=9_000.0)
    office.now = 1_010.0
    await settle(result_of("/0/0", Expired(reason="late"), now=1_004.0))
    office.now = 2_000.0
    assert codes(await replay("/0/0")) == {"/0/0": "deadline_passed"}
    assert short((await replay("/0/0", timeout_s=30.0)).replayed) == ["/0/0"]
    rows = await office.rows()
    assert (rows[full("/0/0")].deadline_at, rows[PROJECT].deadline_at) == (2_030.0, 9_000.0)


async def test_what_was_stopped_has_the_time_that_it_had_left(office, settle, replay, result_of, broken):
    await office.begin(PAIR | {"branches": {"a": CALL, "b": {**CALL, "timeout_s": 10.0}}}, n=1)
    office.now = 1_004.0
    await settle(result_of("/0/0", broken()))
    office.now = 2_000.0
    await replay("/0/0")
    assert (await office.rows())[full("/0/1")].deadline_at == 2_006.0


async def test_a_replay_at_a_rate_is_spread_over_time(office, settle, replay, result_of, broken):
    await office.begin({"kind": "map", "items": "input.l", "do": ITEM, "tolerate": "all"}, l=list(range(5)))
    await settle(*(result_of(f"/0/{n}", broken()) for n in range(4)))
    await replay(*(f"/0/{n}" for n in range(4)), rate=2.0)
    assert (office.effects[-1].unsent, office.effects[-1].waiting) == ([], office.now)
    rows = await office.rows()
    assert [rows[full(f"/0/{n}")].not_before_at - office.now for n in range(4)] == [0.0, 0.5, 1.0, 1.5]


async def test_a_task_without_an_input_needs_one(office, settle, replay, result_of):
    await office.begin({"kind": "call", "skill": "work", "input": "input.missing"})
    assert await project_status_of_lead(office) == "failed"
    assert codes(await replay("/0")) == {"/0": "no_input"}
    assert short((await replay("/0", input={"n": 1})).replayed) == ["/0"]


async def project_status_of_lead(office):
    return (await office.rows())[LEAD].status


async def test_what_ended_as_its_handler_wished_is_replayed_like_a_failure(office, settle, replay, result_of):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", Cancelled(reason="the handler's own")))
    assert await project_status(office) == "cancelled"
    assert short((await replay("/0")).replayed) == ["/0"]


async def test_an_assignment_whose_plan_failed_is_not_the_cause(office, replay, broken, settle, result_of):
    await office.begin(CALL, n=1)
    await settle(result_of("/0", broken()))
    answer = await replay(LEAD)
    assert codes(answer) == {"": "not_the_cause"}
    assert "broken" in answer.refused[0].message


async def test_an_assignment_that_failed_before_it_began_is_planned_anew(office, replay, result_of):
    whole = {"kind": "parallel", "branches": {"a": {"kind": "delegate", "team": "scouts", "plan": CALL}}}
    await office.begin(whole)
    inner = full("/0/0")
    lost = Result(
        id=inner,
        owner=LEAD,
        attempt=1,
        outcome=Failed.model_validate({"error": {"code": "delivery_limit", "message": "gone"}}),
        started_s=1.0,
        ended_s=2.0,
        agent="broker",
    )
    await office.settle(lost)
    answer = await replay(inner, input={"n": 4})
    assert answer.replayed == [inner]
    [sent] = (await sent_of(office)).values()
    assert (sent.kind, sent.attempt, sent.replay, sent.input) == ("assignment", 2, 1, '{"n":4}')
    await office.start(inner)
    assert (await office.rows())[f"{inner}/0"].input == '{"n":4}'


async def test_an_assignment_that_ended_unheard_is_heard_when_its_plan_goes_on(office, replay, result_of, broken):
    delegate = {"kind": "delegate", "team": "scouts", "plan": CALL, "input": {"n": "input.n"}}
    await office.begin({"kind": "parallel", "branches": {"a": CALL, "b": delegate}}, n=1)
    inner = full("/0/1")
    await office.start(inner)
    await office.settle(result_of(f"{inner}/0", owner=inner, n=3))  # its report is on the way
    assert (await office.rows())[inner].status == "succeeded"
    await office.settle(result_of("/0/0", broken()))
    answer = await replay("/0/0")
    assert (answer.replayed, answer.revived) == ([full("/0/0")], 0)
    again = result_of("/0/0", n=1, attempt=2).model_copy(update={"replay": 1})
    effects = await office.settle(again)
    assert [read(ended.outcome) for ended in effects.ended] == [Succeeded(output={"a": {"n": 1}, "b": {"n": 3}})]


async def test_a_stopped_assignment_goes_on_where_it_was(office, replay, result_of, broken):
    delegate = {"kind": "delegate", "team": "scouts", "plan": PAIR, "input": {"n": "input.n"}}
    await office.begin({"kind": "parallel", "branches": {"a": CALL, "b": delegate}}, n=1)
    inner = full("/0/1")
    await office.start(inner)
    await office.settle(result_of(f"{inner}/0/0", owner=inner, n=3))
    await office.settle(result_of("/0/0", broken()))
    assert (await office.rows())[f"{inner}/0/1"].status == "cancelled"
    answer = await replay("/0/0")
    assert answer.revived == 1
    assert sorted(await sent_of(office)) == ["/0/0", "/0/1/0/1"]
    row = (await office.rows())[inner]
    assert (row.status, row.replays, row.started_at is None) == ("open", 1, False)
    assert (await office.rows(nodes, "path"))[f"{inner}/0"].status == "open"


async def test_a_tombstone_of_before_does_not_cover_what_was_opened_again(office, settle, replay, result_of, broken):
    await office.begin(PAIR, n=1)
    effects = await office.settle(result_of("/0/0", broken()))
    assert effects.stopped == {full("/0"): 0, LEAD: 0}
    await settle(result_of("/0/0", broken()))
    await replay("/0/0")
    again = result_of("/0/0", broken(), attempt=2).model_copy(update={"replay": 1})
    assert (await office.settle(again)).stopped == {full("/0"): 1, LEAD: 1}
    assert project_of(LEAD) == PROJECT
