import time
import tracemalloc

import pytest

from warren.errors import InvalidInput
from warren.patterns.evaluation import MAX_VALUES, TooLargeError, measure
from warren.patterns.expression import compiled


def growing(levels, width=10):
    return "input" + (" | [" + ",".join("@" * width) + "]") * levels


def test_an_expression_that_grows_tenfold_a_level_is_refused_before_it_takes_memory():
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput, match="millions of parts"):
            compiled(growing(12))({"input": {"a": 1}})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


def test_a_text_that_doubles_is_refused():
    doubling = "input.text" + " | join('', [@,@,@,@])" * 20
    with pytest.raises(InvalidInput, match="million characters"):
        compiled(doubling)({"input": {"text": "x" * 1000}})


def test_what_is_large_because_its_data_is_large_passes():
    items = list(range(100_000))
    assert compiled("input.items[*]")({"input": {"items": items}}) == items


def test_measuring_stops_at_the_bound():
    value = [0] * 10
    for _ in range(30):
        value = [value] * 10
    begun = time.monotonic()
    with pytest.raises(TooLargeError):
        measure(value)
    assert time.monotonic() - begun < 30, "it walked on after the bound"
    measure([0] * (MAX_VALUES // 2))
