import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topology import backoff_ms, names, units_for

QUEUES = ["warren.projects", "warren.director", "warren.lead.scouts.results", "warren.work.scouts.list-files"]
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def climb(router, key: str) -> tuple[int, set[str]]:
    """How long a message is held on its way through the ladder, and where it comes out."""
    waited_ms, exchange = 0, names.retry_name(15)
    while True:
        arrived = router.route(exchange, key)
        held = [router.queues[name].arguments for name in arrived if "x-message-ttl" in router.queues[name].arguments]
        if not held:
            return waited_ms, arrived
        assert len(arrived) == 1
        waited_ms += held[0]["x-message-ttl"]
        exchange = held[0]["x-dead-letter-exchange"]


@MANY
@given(units=st.integers(0, names.RETRY_MAX_UNITS), queue=st.sampled_from(QUEUES))
def test_a_message_is_held_for_exactly_its_units_and_comes_out_at_its_queue_alone(router, units: int, queue: str):
    assert climb(router, names.retry_key(units, queue)) == (units * names.RETRY_UNIT_MS, {queue})


def test_a_message_for_a_queue_that_is_gone_ends_among_the_unroutable(router):
    assert climb(router, names.retry_key(3, "warren.work.gone.gone")) == (750, {"warren.unroutable"})


def test_a_malformed_key_is_returned_at_the_entry(router):
    assert router.route(names.retry_name(15), "16.projects.1") == set()


def test_a_key_that_is_malformed_further_down_does_not_block_the_ladder(router):
    assert climb(router, "2.projects.1.x.1") == (1000, {"warren.unroutable"})
    assert climb(router, "2.projects") == (1000, {"warren.unroutable"})


@pytest.mark.parametrize(
    ("units", "key"),
    [
        (0, "now.work:scouts:fetch"),
        (1, "0.work:scouts:fetch.1"),
        (6, "2.work:scouts:fetch.0.1.1"),
        (names.RETRY_MAX_UNITS, "15.work:scouts:fetch" + 16 * ".1"),
    ],
)
def test_a_key_names_the_highest_level_the_queue_and_the_bits_from_the_lowest_on(units: int, key: str):
    assert names.retry_key(units, "warren.work.scouts.fetch") == key


def test_the_longest_key_fits_into_what_amqp_allows():
    longest = names.retry_key(names.RETRY_MAX_UNITS, names.work_queue("t" * 40, "s" * 40))
    assert len(longest) <= 255


@given(st.floats(0, 1e12, allow_subnormal=False))
def test_units_cover_the_delay_and_no_more(delay_ms: float):
    units = units_for(delay_ms)
    assert 0 <= units <= names.RETRY_MAX_UNITS
    if units < names.RETRY_MAX_UNITS:
        assert units * 250 >= delay_ms > (units - 1) * 250


@pytest.mark.parametrize(
    ("delay_ms", "units"),
    [(-5, 0), (0, 0), (1, 1), (250, 1), (250.1, 2), (16_383_750, 65_535), (1e9, 65_535), (math.inf, 65_535)],
)
def test_units_at_the_edges(delay_ms: float, units: int):
    assert units_for(delay_ms) == units


@given(attempt=st.integers(1, 10_000), draw=st.floats(0, 1))
def test_a_backoff_lies_between_half_and_all_of_its_ceiling(attempt: int, draw: float):
    ceiling_ms = min(30_000, 500 * 2 ** (attempt - 1))
    assert ceiling_ms / 2 <= backoff_ms(attempt, base_s=0.5, cap_s=30, draw=draw) <= ceiling_ms
