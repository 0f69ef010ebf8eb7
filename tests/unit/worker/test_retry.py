"""When a failed attempt is followed by another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.names import RETRY_MAX_UNITS
from worker.retry import RetryPolicy


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
