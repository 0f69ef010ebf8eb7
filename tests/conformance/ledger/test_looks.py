"""What is asked again and again, or while somebody waits, does not walk through all that ever was.

On SQLite alone: PostgreSQL decides by what it has counted, and reads small tables as a whole.
"""

import pytest
from sqlalchemy import event

from warren.ledger.event import Planned, Settled, Stopped
from warren.ledger.growth import overgrown


@pytest.fixture
def ledger_url(tmp_path):
    return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


@pytest.fixture
async def plans_of(ledger):
    """How SQLite goes about the statements of a piece of work."""

    async def explain(work):
        def explained(transaction):
            seen = []
            raw = transaction.connection.connection.driver_connection

            def note(connection, cursor, statement, parameters, context, executemany):
                seen.append((statement, parameters))

            event.listen(transaction.connection, "before_cursor_execute", note)
            work(transaction)
            event.remove(transaction.connection, "before_cursor_execute", note)
            return [row[3] for text, given in seen for row in raw.execute(f"EXPLAIN QUERY PLAN {text}", given)]

        return await ledger.transact(explained)

    return explain


async def test_open_projects_are_sized_without_a_look_at_those_that_have_ended(plans_of):
    steps = await plans_of(lambda transaction: overgrown(transaction, 10))
    assert not [step for step in steps if step.startswith("SCAN") and "USING INDEX" not in step]
    assert sum(step.startswith("SEARCH parts") for step in steps) == 1


async def test_what_is_to_be_stopped_is_locked_without_a_walk_through_its_tasks(plans_of, append, accepted):
    await append(accepted("P"))
    steps = await plans_of(lambda transaction: transaction.lock_subtree("P"))
    assert {step for step in steps if "tasks" in step} == {"SEARCH tasks USING PRIMARY KEY (id=?)"}


async def test_what_is_open_among_many_is_found_in_its_index(plans_of, append, accepted, task, settled):
    items = [f"P/0/{number}" for number in range(10_100)]
    await append(
        accepted("P"),
        Planned("P", 11.0, [task(each) for each in items], []),
        Settled("P", 11.5, [settled(each) for each in items]),
    )

    def stop(transaction):
        transaction.append(Stopped("P", 13.0, "cancelled", "{}"))
        transaction.flush()

    steps = await plans_of(stop)
    assert "SEARCH tasks USING INDEX tasks_open (created_at>?)" in steps
