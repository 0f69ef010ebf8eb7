"""A share of low work travels ahead."""

import dataclasses

import pytest

from warren.broker.port import Delivery, Properties
from warren.coordination.share import SHARE, back, shared
from warren.ledger.outbox import Unsent
from warren.messages.message import NORMAL_PRIORITY


def unsent(count, *, owner="p/0", priority=1, kind="task"):
    fields = {field.name: None for field in dataclasses.fields(Unsent)}
    fields |= {"owner": owner, "kind": kind, "team": "t", "skill": "s", "attempt": 1, "priority": priority}
    return [Unsent(**{**fields, "id": f"{owner}/{n}", "input": "{}"}) for n in range(count)]


def ahead(tasks):
    return [task.id for task in tasks if task.priority == NORMAL_PRIORITY]


def results(priority, *owners):
    return Delivery("q", "x", "k", b"", Properties(priority=priority), redelivered=False, tag=(1, 1)), owners


def test_about_one_in_eight_of_a_low_window_travels_ahead_and_always_the_same():
    window = unsent(1000)

    assert 1000 / SHARE * 0.7 < len(ahead(shared(window))) < 1000 / SHARE * 1.3
    assert ahead(shared(window)) == ahead(shared(window))
    assert shared(window)[1:] == [
        dataclasses.replace(task, priority=each.priority)
        for task, each in zip(window[1:], shared(window)[1:], strict=True)
    ]


@pytest.mark.parametrize("priority", [4, 6, 9])
def test_what_is_not_low_travels_as_it_is(priority):
    window = unsent(100, priority=priority)

    assert shared(window) == window


def test_an_assignment_travels_as_it_is():
    window = unsent(100, kind="assignment")

    assert shared(window) == window


def test_what_follows_one_that_travelled_ahead_does_so_too_and_nothing_else():
    returned = back([results(NORMAL_PRIORITY, "p/0", "p/0"), results(1, "p/0", "p/1")])

    assert returned == {"p/0": 2, "p/1": 0}
    assert ahead(shared([*unsent(50), *unsent(50, owner="p/1")], returned)) == ["p/0/0", "p/0/1"]
