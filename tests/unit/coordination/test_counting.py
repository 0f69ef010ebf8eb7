"""What coordinators say in numbers, on a simulated cluster's real ledger."""

from dataclasses import replace

from warren.coordination.counting import count
from warren.coordination.effects import Effects, Ended
from warren.ledger.transaction import Owner, TaskState
from warren.messages.outcome import ErrorInfo, Failed, Succeeded
from warren.messages.result import Result
from warren.messages.tried import Tried
from warren.telemetry.metrics import Metrics
from warren.telemetry.prometheus import exposition

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
STATE = TaskState(f"{PROJECT}/0/0", "task", "scouts", "work", "open", 1, f"{PROJECT}/0", 0, 100.0, None)
DONE = Succeeded(output={})
RESULT = Result(id=STATE.id, owner=f"{PROJECT}/0", attempt=1, outcome=DONE, started_s=102.0, ended_s=103.0, agent="w")
OWNER = Owner(
    PROJECT, "project", None, "open", 1, 4, None, 100.0, None, None, None, "director", None, None, "survey", None
)
WAIT = 'warren_task_queue_wait_seconds_sum{warren_team="scouts",warren_skill="work"}'
SETTLED = 'warren_tasks_settled_total{warren_team="scouts",warren_skill="work",warren_outcome='
ENDED = 'warren_project_duration_seconds_sum{warren_playbook="survey",warren_outcome='


def page(**effects):
    metrics = Metrics()
    count(metrics, Effects(**effects))
    return exposition(metrics.read())


def test_a_task_that_ended_counts_with_its_outcome_and_with_how_long_it_waited():
    text = page(settled=[(RESULT, STATE)])
    assert f'{SETTLED}"succeeded"}} 1\n' in text
    assert f"{WAIT} 2\n" in text


def test_the_wait_ends_with_the_first_attempt_not_the_last():
    tried = Tried(attempt=1, started_s=101.0, ended_s=101.5, code="handler_error")
    assert f"{WAIT} 1\n" in page(settled=[(RESULT.model_copy(update={"attempt": 2, "tried": [tried]}), STATE)])


def test_what_was_to_wait_is_not_late():
    assert f"{WAIT} 0.5\n" in page(settled=[(RESULT, replace(STATE, not_before_at=101.5))])


def test_what_no_worker_had_has_an_outcome_but_no_wait():
    outcome = Failed(error=ErrorInfo(code="expired", message="late"))
    text = page(settled=[(RESULT.model_copy(update={"agent": "sweeper", "outcome": outcome}), STATE)])
    assert f'{SETTLED}"failed"}} 1\n' in text
    assert WAIT not in text


def test_an_assignment_is_no_task():
    assert page(settled=[(RESULT, replace(STATE, kind="assignment", skill=None))]) == ""


def test_a_project_counts_when_it_ends_and_not_when_that_is_only_reported_again():
    text = page(ended=[Ended(OWNER, DONE, 107.0), Ended(replace(OWNER, status="succeeded"), DONE, 107.0)])
    assert f'{ENDED}"succeeded"}} 7\n' in text
