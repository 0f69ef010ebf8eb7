"""Topic matching against a reference that is written in another way."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.broker.memory.topic import matches

WORDS = st.sampled_from(["a", "b", "ab", "", "a-b_1"])
KEYS = st.lists(WORDS, max_size=6).map(".".join)
PATTERNS = st.lists(WORDS | st.sampled_from(["*", "#"]), max_size=6).map(".".join)

WILDCARDS = {"*": r"[^.]*\.", "#": r"(?:[^.]*\.)*"}


def by_regex(pattern, key):
    """Every word ends in a dot here, so that no word and an empty word differ."""
    expression = "".join(
        WILDCARDS.get(word, re.escape(word) + r"\.") for word in (pattern.split(".") if pattern else [])
    )
    return re.fullmatch(expression, f"{key}." if key else "") is not None


@given(PATTERNS, KEYS)
def test_a_pattern_matches_what_its_regular_expression_matches(pattern, key):
    assert matches(pattern, key) == by_regex(pattern, key)


@given(KEYS.filter(lambda key: "*" not in key))
def test_a_key_without_wildcards_matches_itself(key):
    assert matches(key, key)
    assert matches("#", key)


@pytest.mark.timeout(5)
def test_many_wildcards_take_no_longer_than_their_number():
    assert not matches(".".join(["#", "a"] * 60), ".".join(["a"] * 200 + ["b"]))


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("*", "", False),
        ("#", "", True),
        ("#.#", "", True),
        ("#.*", "", False),
        ("*.#", "a", True),
        ("a.#", "a", True),
        ("a.#.c", "a.c", True),
        ("a.*.c", "a.c", False),
        ("a.*.c", "a..c", True),
        ("a*", "ab", False),
        ("A", "a", False),
    ],
)
def test_edges_of_the_wildcards(pattern, key, expected):
    assert matches(pattern, key) is expected
