import os
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.ids import child_id, depth_of, is_project_id, is_within, key_of, new_project_id, parent_id, project_of

MOMENTS = st.floats(0, 2**47 / 1000)  # milliseconds in 48 bits, half of them
KEYS = st.lists(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True), max_size=6)
PROJECT = "0192f0c4-7d1e-7a33-9b51-3f0f5a9f8c11"


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_a_project_id_is_a_uuid_of_version_7_in_canonical_form(now, entropy):
    project = new_project_id(now, lambda count: entropy[:count])
    parsed = uuid.UUID(project)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(now * 1000)
    assert is_project_id(project)


@given(MOMENTS, MOMENTS)
def test_project_ids_are_in_the_order_of_their_milliseconds(first, second):
    one, other = new_project_id(first, os.urandom), new_project_id(second, os.urandom)
    if int(first * 1000) < int(second * 1000):
        assert one < other


def test_all_bits_that_are_not_time_or_version_are_random():
    zeros = new_project_id(0, bytes)
    ones = new_project_id(0, lambda count: b"\xff" * count)
    assert (zeros, ones) == ("00000000-0000-7000-8000-000000000000", "00000000-0000-7fff-bfff-ffffffffffff")


def test_two_projects_of_one_moment_have_two_ids():
    assert len({new_project_id(1_800_000_000, os.urandom) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text", ["", "x", PROJECT.upper(), "{" + PROJECT + "}", PROJECT.replace("-", ""), PROJECT + "\n"]
)
def test_only_a_canonical_uuid_is_a_project_id(text):
    assert not is_project_id(text)


@given(KEYS)
def test_a_path_leads_down_and_up_again(keys):
    path = PROJECT
    for depth, key in enumerate(keys, start=1):
        below = child_id(path, key)
        assert (parent_id(below), key_of(below), depth_of(below)) == (path, key, depth)
        assert is_within(below, path)
        assert not is_within(path, below)
        path = below
    assert project_of(path) == PROJECT
    assert is_within(path, path)


def test_a_number_is_a_key_too():
    assert child_id(PROJECT, 12) == f"{PROJECT}/12"


def test_a_project_has_no_parent():
    with pytest.raises(ValueError, match="is a project and has no parent"):
        parent_id(PROJECT)
    assert depth_of(PROJECT) == 0


def test_the_next_sibling_is_not_within():
    assert not is_within(f"{PROJECT}/10", f"{PROJECT}/1")
    assert is_within(f"{PROJECT}/1/0", f"{PROJECT}/1")
