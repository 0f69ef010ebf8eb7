"""Which children of a large fan-out are told of: never more than were asked for, and always the same."""

import pytest

from warren.ledger.excerpt import REDUCE_KEY, delegates, excerpt

TASKS = {"do": {"kind": "call", "skill": "count"}}
ASSIGNMENTS = {"do": {"kind": "sequence", "steps": {"one": {"kind": "delegate", "team": "t", "plan": {}}}}}


def state(total, begun=None, failed=()):
    return {"next": total if begun is None else begun, "total": total, "failed": [{"index": one} for one in failed]}


@pytest.mark.parametrize("node", [TASKS, ASSIGNMENTS])
@pytest.mark.parametrize("most", [1, 2, 9, 10, 500])
@pytest.mark.parametrize("total", [0, 1, 9, 10, 11, 700, 100_000])
def test_never_more_than_asked_for_and_not_much_fewer(node, most, total):
    found = excerpt("map", state(total, failed=range(min(total, 100))), node, most)
    assert found.shown == len(set(found.keys) - {REDUCE_KEY})
    assert found.total == total
    assert min(total, most) * 0.7 - 1 <= found.shown <= most
    assert all(int(key) < total for key in found.keys if key != REDUCE_KEY)


def test_those_that_ended_badly_are_among_them():
    for node in (TASKS, ASSIGNMENTS):
        found = excerpt("map", state(1000, failed=[333, 777]), node, 50)
        assert {"333", "777", REDUCE_KEY} <= set(found.keys)


def test_the_choice_among_assignments_does_not_change_while_the_map_goes_on():
    early = set(excerpt("map", state(1000, begun=100), ASSIGNMENTS, 50).keys)
    late = set(excerpt("map", state(1000, begun=900, failed=[3]), ASSIGNMENTS, 50).keys)
    assert early <= late
    assert {key for key in late - early if key != "3"} == {key for key in late - {REDUCE_KEY} if int(key) >= 100}


def test_steps_and_branches_are_as_many_as_were_begun():
    assert list(excerpt("sequence", {"at": 2}, {}, 500).keys) == ["0", "1", "2"]
    assert excerpt("sequence", {"at": 2}, {"steps": {"a": {}, "b": {}}}, 500).shown == 2, "it is over"
    assert excerpt("parallel", {}, {"branches": {"a": {}, "b": {}}}, 500).shown == 2


def test_a_delegate_is_found_wherever_it_is_in_a_plan():
    assert delegates({"kind": "parallel", "branches": {"a": {"kind": "call"}, "b": {"kind": "map", **ASSIGNMENTS}}})
    assert not delegates({"kind": "sequence", "steps": {"a": {"kind": "call"}}})
