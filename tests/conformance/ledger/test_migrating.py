"""A ledger of the first version, with work in it, goes on with this one."""

import json

from alembic import command
from alembic.config import Config
from sqlalchemy import column as named
from sqlalchemy import insert, table

from warren.ledger.event import Dispatched, Settled
from warren.ledger.ledger import open_ledger
from warren.ledger.migration import HEAD, SCRIPTS, revision
from warren.ledger.outbox import stale_unsent
from warren.ledger.rebuild import rebuild

PROJECT = {"id": "P", "kind": "project", "priority": 4, "input": "{}", "created_at": 10.0, "position": 0}
PLAN = {"id": "P", "plan": '{"kind":"call"}', "report_to": "director", "playbook": "survey"}
TASK = {"owner": "P", "parent": "P", "kind": "task", "team": "writers", "skill": "write", "priority": 4}
FIRST = {**TASK, "id": "P/0", "position": 0, "input": "{}", "created_at": 10.0}
SECOND = {**TASK, "id": "P/1", "position": 1, "input": "{}", "created_at": 10.0}
HAPPENED = [
    ("project.accepted", {"task": PROJECT, "plan": PLAN}),
    ("plan.started", {}),
    ("tasks.planned", {"tasks": [FIRST, SECOND], "plans": []}),
    ("tasks.dispatched", {"ids": ["P/0"]}),
]
ROWS = [
    {**PROJECT, "started_at": 10.0},
    {**FIRST, "dispatched_at": 10.0},
    SECOND,
]


def as_the_first_version_left_it(transaction):
    """Its schema, and a project of which one task is sent and the other is not."""
    connection = transaction.connection
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.downgrade(config, "0001")
    for row in ROWS:
        put(connection, "tasks", {**row, "status": "open", "attempt": 1})
    put(connection, "plans", PLAN)
    for kind, data in HAPPENED:
        about = {"at": 10.0, "project": "P", "subject": "P", "type": kind}
        put(connection, "events", {**about, "data": json.dumps(data)})
    return revision(connection)


def put(connection, where, row):
    connection.execute(insert(table(where, *map(named, row))).values(row))


async def test_a_ledger_of_the_first_version_goes_on_with_its_rows(ledger_url, settled):
    async with open_ledger(ledger_url) as ledger:
        assert await ledger.transact(as_the_first_version_left_it) == "0001"
    async with open_ledger(ledger_url) as ledger:
        assert await ledger.read(lambda transaction: revision(transaction.connection)) == HEAD
        assert (await rebuild(ledger)).differences == []
        stale = await ledger.transact(lambda transaction: stale_unsent(transaction, 11.0, 20.0, 10))
        assert [each.id for each in stale] == ["P/1"]
        ends = Settled("P", 21.0, [settled("P/0"), settled("P/1")])
        await ledger.transact(lambda transaction: transaction.append(Dispatched("P", 20.0, ["P/1"]), ends))
        report = await rebuild(ledger)
        assert (report.differences, report.events) == ([], len(HAPPENED) + 2)
