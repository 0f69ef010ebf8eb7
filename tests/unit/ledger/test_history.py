from types import SimpleNamespace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.errors import InvalidInput
from warren.ledger.event import (
    EVENTS,
    Dispatched,
    LedgerEvent,
    NodesChanged,
    Overtaken,
    Planned,
    ProjectAccepted,
    Reported,
    Settled,
    Started,
    Stopped,
    Traced,
)
from warren.ledger.history import event_of, event_row

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MOMENTS = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.dictionaries(TEXTS, st.none() | TEXTS | MOMENTS | st.integers(-(2**63), 2**63 - 1), max_size=4)
LISTS = st.lists(ROWS, max_size=3)
IDS = st.lists(TEXTS, max_size=3)
HAPPENED = st.one_of(
    st.builds(ProjectAccepted, TEXTS, MOMENTS, ROWS, ROWS),
    st.builds(Started, TEXTS, MOMENTS),
    st.builds(Planned, TEXTS, MOMENTS, LISTS, LISTS),
    st.builds(Dispatched, TEXTS, MOMENTS, IDS),
    st.builds(Settled, TEXTS, MOMENTS, LISTS),
    st.builds(NodesChanged, TEXTS, MOMENTS, LISTS),
    st.builds(Stopped, TEXTS, MOMENTS, TEXTS, TEXTS),
    st.builds(Reported, TEXTS, MOMENTS, IDS),
    st.builds(Overtaken, TEXTS, MOMENTS, LISTS),
    st.builds(Traced, TEXTS, MOMENTS),
)


@given(happened=HAPPENED)
def test_an_event_comes_back_from_its_row_as_it_was(happened):
    assert event_of(SimpleNamespace(seq=1, **event_row(happened))) == happened


def test_every_kind_of_event_can_be_read_back():
    assert {kind.TYPE: kind for kind in get_args(LedgerEvent)} == EVENTS


def test_an_event_belongs_to_the_project_of_its_subject():
    assert event_row(Started("P/0/3", 1.0))["project"] == "P"


def test_an_event_of_a_later_version_is_named():
    with pytest.raises(InvalidInput, match=r"event 7 of the ledger is a 'task\.levitated'"):
        event_of(SimpleNamespace(seq=7, at=1.0, subject="P", type="task.levitated", data="{}"))
