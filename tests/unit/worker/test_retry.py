"""When a failed attempt is followed by another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.cluster import parse_cluster
from topology.errors import ClusterFileError
from topology.names import RETRY_MAX_UNITS
from topology.skill_settings import SkillSettings
from warren import Retry, skill
from warren.errors import SkillError
from warren.skills.skill import skill_of
from worker.retry import RetryPolicy
from worker.station import station


def made(**declared):
    @skill("s", **declared)
    def work() -> dict:
        return {}

    return skill_of(work)


@pytest.mark.parametrize(
    ("attempt", "draw", "units"), [(1, 0.0, 2), (1, 1.0, 4), (2, 1.0, 8), (3, 0.5, 12), (50, 1.0, 1200)]
)
def test_the_wait_doubles_up_to_its_cap_with_jitter_below(attempt, draw, units):
    assert RetryPolicy(max_attempts=100).delay_units(attempt, draw=draw) == units


def test_the_last_attempt_is_followed_by_none():
    assert RetryPolicy(max_attempts=3).delay_units(3, draw=0.5) is None


def test_the_handlers_wish_wins_over_the_policy_but_not_over_the_number_of_attempts():
    policy = RetryPolicy(max_attempts=2)

    assert policy.delay_units(1, draw=0.5, after_s=10) == 40
    assert policy.delay_units(1, draw=0.5, after_s=-1) == 0
    assert policy.delay_units(2, draw=0.5, after_s=10) is None


def test_an_attempt_that_would_begin_after_the_deadline_is_not_made():
    policy = RetryPolicy()

    assert policy.delay_units(1, draw=1.0, left_s=1.0) is None
    assert policy.delay_units(1, draw=1.0, left_s=1.01) == 4


@given(
    attempt=st.integers(1, 10**6), draw=st.floats(0, 1), base_s=st.floats(0.001, 16_383), cap_s=st.floats(0.001, 16_383)
)
def test_every_wait_fits_the_ladder(attempt, draw, base_s, cap_s):
    units = RetryPolicy(max_attempts=10**7, base_s=base_s, cap_s=cap_s).delay_units(attempt, draw=draw)

    assert units is not None
    assert 1 <= units <= RETRY_MAX_UNITS


def test_a_retry_begins_when_the_ladder_lets_it_go_and_that_has_to_be_before_the_deadline():
    policy = RetryPolicy(base_s=0.3)

    assert policy.delay_units(1, draw=1.0, left_s=0.45) is None
    assert policy.delay_units(1, draw=1.0, left_s=0.51) == 2


@pytest.mark.parametrize(
    ("declared", "settings", "expected"),
    [
        ({}, {}, (3, 1.0, 300.0)),
        ({"max_attempts": 5, "base_s": 2, "cap_s": 9}, {"cap_s": 20}, (5, 2, 20)),
        ({"base_s": 600}, {}, (3, 600, 600)),
        ({}, {"cap_s": 0.5}, (3, 0.5, 0.5)),
    ],
)
def test_the_file_wins_over_the_decorator_and_a_default_gives_way_to_both(declared, settings, expected):
    policy = station("t", made(**declared), SkillSettings(**settings)).policy

    assert (policy.max_attempts, policy.base_s, policy.cap_s) == expected


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"base_s": 5, "cap_s": 1}, r"cap_s \(1 s\) is below base_s \(5 s\)"),
        ({"max_attempts": 0}, "max_attempts is 0, but must be more than 0"),
        ({"max_attempts": 1.5}, "must be a whole number"),
        ({"base_s": float("nan")}, "base_s is nan"),
    ],
)
def test_a_decorator_with_an_impossible_policy_is_refused_where_it_is_written(declared, words):
    with pytest.raises(SkillError, match=words) as error:
        made(**declared)

    assert "test_retry.py" in str(error.value)


def test_a_decorator_and_a_file_that_cannot_be_together_are_refused():
    with pytest.raises(SkillError, match=r"with what cluster.yaml sets for it: cap_s \(1 s\) is below base_s \(5 s\)"):
        station("t", made(base_s=5), SkillSettings(cap_s=1))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{base_s: 5, cap_s: 1}", r"cap_s \(1 s\) is below base_s \(5 s\)"),
        ("{max_attempts: 0}", "greater than or equal to 1"),
        ("{base_s: -1}", "greater than 0"),
    ],
)
def test_a_cluster_file_with_an_impossible_policy_is_refused_with_its_line(settings, words):
    with pytest.raises(ClusterFileError, match=words) as error:
        parse_cluster(f"version: 1\nteams:\n  t:\n    skills:\n      s: {settings}\n", "cluster.yaml")

    assert "cluster.yaml:5" in str(error.value)


@pytest.mark.parametrize("after_s", ["5", float("nan"), [1]])
def test_a_wish_that_is_no_number_fails_in_the_handler_that_has_it(after_s):
    with pytest.raises(TypeError, match="number of seconds"):
        Retry(after_s=after_s)
