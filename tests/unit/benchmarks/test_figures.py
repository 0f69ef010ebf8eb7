import pytest

from benchmarks.figures import Spread, growth, paired_ratios, percentile


def test_a_spread_is_the_median_and_the_range():
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)


def test_ratios_pair_the_rounds_so_that_a_slow_spell_cancels_out():
    fast_then_slow, half_of_it = {0: 1000.0, 1: 100.0}, {0: 500.0, 1: 50.0}

    assert paired_ratios(fast_then_slow, half_of_it) == Spread(2.0, 2.0, 2.0)


def test_a_round_that_only_one_side_finished_has_no_ratio():
    assert paired_ratios({0: 6.0, 1: 9.0}, {0: 3.0}) == Spread(2.0, 2.0, 2.0)
    assert paired_ratios({1: 9.0}, {0: 3.0}) is None


def test_percentiles_lie_between_the_values():
    assert percentile([float(value) for value in range(101)], 99) == pytest.approx(99)
    assert percentile([5.0], 99) == 5.0


@pytest.mark.parametrize(
    ("by_size", "expected"),
    [({1: 2.0, 10: 2.0}, 1.0), ({1: 4.0, 10: 2.0}, 0.5), ({1: 4.0, 10: 2.0, 100: 3.0}, 1.5), ({1: 4.0}, 1.0)],
)
def test_growth_is_the_worst_factor_from_a_size_to_a_larger_one(by_size, expected):
    assert growth(by_size) == expected
