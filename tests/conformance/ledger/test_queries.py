"""Where projects stand: trees that stay small however many tasks a project has."""

import pytest
from sqlalchemy import event as sqlalchemy_event

from warren.ledger import queries
from warren.ledger.event import NodesChanged, Planned, Settled, Started, Stopped
from warren.messages.outcome import Cancelled, Failed
from warren.messages.written import Written

MAP_STATE = '{"next":1500,"low":500,"above":[510,512],"failures":3,"failed":[],"total":2000}'


@pytest.fixture
def status(ledger):
    async def ask(project):
        return await ledger.read(lambda transaction: queries.status(transaction, project))

    return ask


@pytest.fixture
async def survey(append, accepted, assigned, task, settled, node):
    """A sequence of an assignment, which maps over 2,000 items, and of a second one that has not begun."""
    items = [f"P/0/0/0/0/{key}" for key in range(1500)]
    await append(
        accepted("P"),
        Started("P", 11.0),
        NodesChanged("P", 11.0, [node("P/0", kind="sequence", state='{"at":0}')]),
        assigned("P/0/0", team="scouts"),
        Started("P/0/0", 12.0),
        NodesChanged("P/0/0", 12.0, [node("P/0/0/0", kind="sequence", state='{"at":1}')]),
        Planned("P/0/0", 12.0, [task("P/0/0/0/1")], []),
        NodesChanged("P/0/0", 13.0, [node("P/0/0/0/0", kind="map", state=MAP_STATE)]),
        Planned("P/0/0", 13.0, [task(each, owner="P/0/0") for each in items], []),
        Settled("P/0/0", 14.0, [settled(each) for each in items[:500]]),
    )


async def test_a_tree_has_lines_for_all_but_the_items_of_maps(status, survey):
    found = await status("P")
    assert [(branch.id, branch.kind, branch.name) for branch in found.tree] == [
        ("P", "project", "survey"),
        ("P/0", "sequence", "sequence"),
        ("P/0/0", "assignment", "scouts"),
        ("P/0/0/0", "sequence", "sequence"),
        ("P/0/0/0/0", "map", "map"),
        ("P/0/0/0/1", "task", "write"),
    ]


async def test_a_map_counts_its_items_by_its_state_and_owners_count_the_tasks_below(status, survey):
    counts = {branch.id: (branch.total, branch.done, branch.failed) for branch in (await status("P")).tree}
    assert counts == {
        "P": (2001, 502, 3),
        "P/0": (1, 0, 0),
        "P/0/0": (2001, 502, 3),
        "P/0/0/0": (2, 0, 0),
        "P/0/0/0/0": (2000, 502, 3),
        "P/0/0/0/1": (0, 0, 0),
    }


async def test_a_status_has_the_projects_own_facts(status, survey):
    found = await status("P")
    assert (found.project, found.playbook, found.status) == ("P", "survey", "open")
    assert (found.accepted_s, found.ended_s, found.error) == (10.0, None, None)
    assert found.tree[0].started_s == 11.0


async def test_of_a_map_of_assignments_the_assignments_have_lines_and_their_tasks_are_counted_once(
    status, append, accepted, assigned, task, settled, node
):
    teams = [f"P/0/{key}" for key in range(11)]
    await append(
        accepted("P"),
        NodesChanged("P", 11.0, [node("P/0", state='{"next":11,"low":1,"above":[],"failures":0,"total":11}')]),
        *(assigned(team) for team in teams),
        *(Planned(team, 12.0, [task(f"{team}/0", owner=team)], []) for team in teams),
        Settled("P/0/0", 13.0, [settled("P/0/0/0"), settled("P/0/0")]),
        Settled("P/0/1", 13.0, [settled("P/0/1/0", "failed")]),
    )
    found = await status("P")
    assert [branch.id for branch in found.tree if branch.kind == "assignment"] == teams
    counts = {branch.id: (branch.total, branch.done, branch.failed) for branch in found.tree}
    assert (counts["P"], counts["P/0"], counts["P/0/1"]) == ((11, 2, 1), (11, 1, 0), (1, 1, 1))


async def test_the_reducer_of_a_map_has_a_line_after_its_assignments(status, append, accepted, assigned, task, node):
    await append(
        accepted("P"),
        NodesChanged("P", 11.0, [node("P/0", state='{"next":2,"low":2,"above":[],"failures":0,"total":2}')]),
        assigned("P/0/1"),
        Planned("P", 12.0, [task("P/0/0"), task("P/0/reduce", position=2)], []),
    )
    assert [branch.id for branch in (await status("P")).tree] == ["P", "P/0", "P/0/1", "P/0/reduce"]


async def test_a_tree_is_bounded(status, append, accepted, node, task):
    nodes = [node(f"P/0/{n}", kind="parallel") for n in range(64)]
    leaves = [task(f"P/0/{n}/{m}") for n in range(64) for m in range(64)]
    await append(accepted("P"), NodesChanged("P", 11.0, [node("P/0", kind="parallel"), *nodes]))
    await append(Planned("P", 11.0, leaves, []))
    assert len((await status("P")).tree) == 1000


async def test_a_status_costs_the_same_however_many_tasks_there_are(ledger, survey):
    def statements(transaction):
        seen = []
        sqlalchemy_event.listen(transaction.connection, "before_cursor_execute", lambda *facts: seen.append(facts[2]))
        queries.status(transaction, "P")
        return seen

    seen = await ledger.read(statements)
    assert len(seen) < 20
    assert not [statement for statement in seen if "count(" in statement.lower()]


async def test_an_ended_project_says_how(ledger, status, append, accepted, settled):
    await append(*map(accepted, ("P", "Q", "R", "S")))
    await append(
        Settled("P", 12.0, [settled("P", output='{"answer":42}')]),
        Settled("Q", 12.0, [settled("Q", "failed")]),
        Settled("R", 12.0, [settled("R", "cancelled", error='{"code":"cancelled","message":"enough"}')]),
    )
    found = await ledger.read(lambda transaction: [queries.finished(transaction, each) for each in "PQRS"])
    assert found[0].outcome == Written('{"answer":42}')
    assert isinstance(found[1].outcome, Failed)
    assert found[1].outcome.error.message == "it broke"
    assert found[2].outcome == Cancelled(reason="enough")
    assert found[3] is None
    assert (found[0].accepted_s, found[0].ended_s) == (10.0, 12.0)
    assert (await status("Q")).error.code == "broken"


@pytest.mark.parametrize("unknown", ["Q", "P/0", "", "P/0/0/0/1", "'; --"])
async def test_what_is_no_project_has_no_status_and_no_end(ledger, status, survey, unknown):
    assert await status(unknown) is None
    assert await ledger.read(lambda transaction: queries.finished(transaction, unknown)) is None


async def test_the_newest_projects_come_first(ledger, append, accepted, settled):
    await append(*(accepted(f"P{number}", at=float(number)) for number in range(10)))
    await append(Settled("P9", 12.0, [settled("P9")]), Stopped("P9", 12.0, "cancelled", "{}"))
    found = await ledger.read(lambda transaction: queries.projects(transaction, 3))
    assert [each["id"] for each in found] == ["P9", "P8", "P7"]
    assert found[0] == {"id": "P9", "playbook": "survey", "status": "succeeded", "accepted_s": 9.0, "ended_s": 12.0}
    assert await ledger.read(lambda transaction: queries.projects(transaction, 0)) == []
