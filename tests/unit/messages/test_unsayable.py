import json
from datetime import UTC, datetime
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.messages.unsayable import Unsayable, first_unsayable, is_sayable

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(ANYTHING)
def test_what_is_sayable_comes_back_as_it_was_and_of_the_rest_the_place_is_told(value):
    try:
        comes_back = json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode()) == value
    except ValueError:
        comes_back = False
    assert is_sayable(value) == comes_back
    assert (first_unsayable(value) is None) == comes_back


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_the_word_for_what_is_no_number_is_a_text_like_others(word):
    assert is_sayable({word: [word]})


def test_what_pydantic_writes_in_its_own_way_is_sayable():
    assert is_sayable({"at": datetime(2030, 1, 31, tzinfo=UTC), "sizes": (1, 2)})


@pytest.mark.parametrize(
    ("value", "place", "reason"),
    [
        ({"a": [1, {"b": nan}]}, ("a", 1, "b"), "nan is not a JSON number"),
        ({"a": (-inf,)}, ("a", 0), "-inf is not a JSON number"),
        ({"a": {nan}}, ("a",), "of type set holds a number that is none in JSON"),
        ({"a": "\ud800"}, ("a",), "half of a character"),
        ({"a": {"\udc00": 1}}, ("a",), "half of a character"),
        ({"a": object()}, ("a",), "of type object cannot be written as JSON"),
    ],
)
def test_the_first_place_and_its_reason_are_told(value, place, reason):
    found = first_unsayable(value)
    assert isinstance(found, Unsayable)
    assert found.place == place
    assert reason in found.reason
    assert not is_sayable(value)


def test_what_holds_itself_is_found_in_time():
    loop: list[object] = []
    loop.append(loop)
    assert not is_sayable(loop)
    assert "holds itself" in first_unsayable(loop).reason
