"""When a call may begin."""

import pytest

from topology.limits import Limits
from warren.errors import InvalidInput
from warren.patterns.check import check_plan
from warren.patterns.moment import moment
from warren.patterns.plan import dump_plan, parse_plan

TEAMS = {"t": frozenset({"work"})}


def call(**fields):
    return parse_plan({"kind": "call", "skill": "work", "input": {}, **fields})


def test_without_a_word_it_begins_at_once():
    assert call().due_at({"input": {}}, 100.0) is None


def test_a_delay_counts_from_its_start_in_the_plan():
    assert call(delay_s=2.5).due_at({"input": {}}, 100.0) == 102.5


def test_a_time_comes_from_the_data():
    scope = {"input": {"at": "1970-01-01T01:00:00+01:00", "none": None}}
    assert call(not_before="input.at").due_at(scope, 100.0) == 0.0
    assert call(not_before="'2030-01-31T08:00:00Z'").due_at(scope, 100.0) == 1_896_076_800.0
    assert call(not_before="input.none").due_at(scope, 100.0) is None


@pytest.mark.parametrize("value", ["tomorrow", "2030-01-31T08:00:00", 17, {"at": 1}, "", "x" * 10_000])
def test_what_is_no_time_is_said_to_be_none(value):
    with pytest.raises(InvalidInput, match="time with its zone") as caught:
        moment(value, "not_before")
    assert (caught.value.code, len(caught.value.message) < 300) == ("moment_invalid", True)


@pytest.mark.parametrize("fields", [{"delay_s": -1.0}, {"delay_s": 1.0, "not_before": "input.at"}, {"not_before": "]"}])
def test_a_delay_that_makes_no_sense_is_refused(fields):
    with pytest.raises(InvalidInput) as caught:
        call(**fields)
    assert caught.value.code == "plan_invalid"


def test_a_time_refers_only_to_what_is_there():
    with pytest.raises(InvalidInput) as caught:
        check_plan(call(not_before="results.nothing"), TEAMS, Limits(), team="t")
    assert (caught.value.code, caught.value.pointer) == ("unknown_reference", "/plan/not_before")


def test_a_plan_keeps_its_delays():
    assert dump_plan(call(delay_s=2.5))["delay_s"] == 2.5
