"""Ledger rows become messages that their readers understand, in bundles that are worth it and fit."""

import json

import pytest

from topology import names
from warren.broker.port import Delivery, Properties
from warren.coordination.bundling import MAX_BUNDLE, RunTimes, bundle_size
from warren.coordination.dispatch import dispatch
from warren.coordination.settlement import died
from warren.ledger.outbox import Unsent
from warren.messages.assignment import Assignment
from warren.messages.codec import decode, encode
from warren.messages.task import Task, TaskMessage

OWNER = "0197f0a0-0000-7000-8000-000000000001/0"


def unsent(number, **changes):
    fields = {
        "id": f"{OWNER}/0/{number}",
        "owner": OWNER,
        "kind": "task",
        "team": "scouts",
        "skill": "work",
        "attempt": 1,
        "priority": 4,
        "deadline_at": 2_000.0,
        "input": json.dumps({"n": number, "text": 'quote " and ü'}, ensure_ascii=False),
    }
    return Unsent(**{**fields, **changes})


def sent(rows, size=3, **options):
    return list(dispatch(rows, lambda _skill, _waiting: size, 1_000.0, **options))


def test_a_bundle_is_a_task_message_with_everything_that_the_worker_needs():
    (parcel,) = sent([unsent(1), unsent(2, attempt=3)])
    message = decode(TaskMessage, parcel.message.body)
    assert (message.team, message.skill, message.owner, message.priority) == ("scouts", "work", OWNER, 4)
    assert [(task.id, task.attempt, task.deadline_s) for task in message.tasks] == [
        (f"{OWNER}/0/1", 1, 2_000.0),
        (f"{OWNER}/0/2", 3, 2_000.0),
    ]
    assert message.tasks[0].input == {"n": 1, "text": 'quote " and ü'}
    assert (parcel.message.exchange, parcel.message.routing_key) == (names.TASKS, "task.scouts.work")
    assert (parcel.message.properties.type, parcel.message.properties.expiration_ms) == (TaskMessage.TYPE, 1_000_000)
    assert parcel.dispatched == [f"{OWNER}/0/1", f"{OWNER}/0/2"]


def test_an_assignment_goes_alone_with_its_plan():
    row = unsent(1, kind="assignment", skill=None, plan='{"kind":"call","skill":"work"}', report_to="director")
    (parcel,) = sent([row])
    message = decode(Assignment, parcel.message.body)
    assert (message.id, message.owner, message.report_to, message.team) == (row.id, OWNER, "director", "scouts")
    assert (message.plan, message.input) == (json.loads(row.plan), json.loads(row.input))
    assert parcel.message.routing_key == "assign.scouts"


def test_only_what_is_alike_goes_into_one_bundle():
    rows = [
        unsent(1),
        unsent(2, skill="other"),
        unsent(3, priority=9),
        unsent(4, owner=f"{OWNER}/9"),
        unsent(5, deadline_at=3_000.0),
        unsent(6),
    ]
    assert sorted(len(parcel.dispatched) for parcel in sent(rows)) == [1, 1, 1, 1, 2]


def test_no_bundle_has_more_tasks_than_it_should():
    assert [len(parcel.dispatched) for parcel in sent([unsent(number) for number in range(7)])] == [3, 3, 1]


@pytest.mark.parametrize("letter", ["x", "ü", "😀"])
def test_no_bundle_has_more_bytes_than_a_message_may_have(letter):
    text = json.dumps({"t": letter * (3_000 // len(letter.encode()))}, ensure_ascii=False)
    parcels = sent([unsent(number, input=text) for number in range(7)], size=64, limit_bytes=10_000)
    assert sum(len(parcel.dispatched) for parcel in parcels) == 7
    assert max(len(parcel.message.body) for parcel in parcels) <= 10_000
    assert [len(parcel.dispatched) for parcel in parcels] == [3, 3, 1]


@pytest.mark.parametrize("deadline_at", [None, 1e300, 1_000.0 + 2 * 365 * 86_400])
def test_a_deadline_beyond_what_a_broker_counts_to_is_kept_by_the_ledger_alone(deadline_at):
    (parcel,) = sent([unsent(1, deadline_at=deadline_at)])
    assert parcel.message.properties.expiration_ms is None


def test_what_is_late_already_still_has_a_moment_to_live():
    (parcel,) = sent([unsent(1, deadline_at=10.0)])
    assert parcel.message.properties.expiration_ms == 1


@pytest.mark.parametrize(
    ("average_s", "fixed", "waiting", "workers", "size"),
    [
        (None, None, 1_000, 1, 1),
        (None, 8, 1_000, 1, 8),
        (0.0, None, 1_000, 1, MAX_BUNDLE),
        (0.01, None, 1_000, 1, 5),
        (10.0, None, 1_000, 1, 1),
        (0.0, None, 10, 4, 3),
        (0.0, None, 10, 0, 10),
        (0.0, None, 1, 100, 1),
    ],
)
def test_a_bundle_is_worth_about_50_ms_and_no_more_than_an_even_share(average_s, fixed, waiting, workers, size):
    assert bundle_size(average_s, fixed=fixed, waiting=waiting, workers=workers) == size


def test_run_times_follow_slowly_what_results_say():
    times = RunTimes()
    assert times.average_s(("t", "s")) is None
    times.learn(("t", "s"), 1.0)
    times.learn(("t", "s"), 0.0)
    assert times.average_s(("t", "s")) == pytest.approx(0.95)
    times.learn(("t", "other"), -5.0)
    assert times.average_s(("t", "other")) == 0.0


def letter(headers):
    task = TaskMessage(team="scouts", skill="work", owner=OWNER, priority=4, tasks=[Task(id="a", input={})] * 2)
    body = encode(task)
    return Delivery("q", names.DEAD, "k", body, Properties(headers=headers), redelivered=False, tag=(1, 1)), task


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-death": [{"reason": "expired"}]}, "expired", None),
        ({"x-death": [{"reason": "delivery_limit"}, {"reason": "expired"}]}, "failed", "delivery_limit"),
        ({"x-death": [{"reason": "maxlen"}]}, "failed", "maxlen"),
        ({"x-warren-error-code": "wrong_queue", "x-warren-error": "not here"}, "failed", "wrong_queue"),
    ],
)
def test_what_nobody_could_do_has_ended_for_every_task_of_the_bundle(headers, status, code):
    incoming = died(*letter(headers), 5.0)
    assert [(each.result.id, each.result.owner, each.result.outcome.status) for each in incoming] == [
        ("a", OWNER, status)
    ] * 2
    if code:
        assert incoming[0].result.outcome.error.code == code


@pytest.mark.parametrize("headers", [{}, {"x-death": [{"reason": "rejected"}]}, {"x-death": []}, {"x-death": "odd"}])
def test_what_a_worker_reported_itself_is_not_heard_twice(headers):
    assert died(*letter(headers), 5.0) == []
