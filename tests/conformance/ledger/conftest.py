"""One suite for both databases: every test that asks for `ledger` or `ledger_url` runs on SQLite and on PostgreSQL."""

import asyncio

import pytest

from warren.ledger.event import Planned, ProjectAccepted
from warren.ledger.ledger import open_ledger

DEADLINE_S = 30
SQLITE = pytest.param("sqlite", id="sqlite")
POSTGRES = pytest.param("postgres", id="postgres", marks=pytest.mark.postgres)


@pytest.fixture(params=[SQLITE, POSTGRES])
def ledger_url(request, tmp_path):
    """An empty database of one's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    return request.getfixturevalue("postgres_database_url")


@pytest.fixture
def is_postgres(ledger_url):
    return ledger_url.startswith("postgresql")


@pytest.fixture
async def ledger(ledger_url):
    async with asyncio.timeout(DEADLINE_S):
        async with open_ledger(ledger_url) as opened:
            yield opened


@pytest.fixture
def append(ledger):
    """Writes events in a transaction of their own."""

    async def write(*happened):
        await ledger.transact(lambda transaction: transaction.append(*happened))

    return write


@pytest.fixture
def rows(ledger):
    """The rows of a table by key, as dictionaries."""

    async def read(table):
        def work(transaction):
            found = transaction.connection.execute(table.select()).mappings().all()
            return {next(iter(row.values())): dict(row) for row in found}

        return await ledger.read(work)

    return read


@pytest.fixture
def task():
    """A row of a task that is planned; `task("P/0/7", owner="P")`."""
    return task_row


@pytest.fixture
def settled():
    """A row of a task that has ended."""
    return settled_row


@pytest.fixture
def node():
    return node_row


@pytest.fixture
def accepted():
    """The event of an accepted project."""
    return accepted_event


@pytest.fixture
def assigned():
    """The event of a planned assignment."""
    return assigned_event


@pytest.fixture
def reopened():
    """A row of a task that is opened again."""
    return reopened_row


def task_row(task_id, **columns):
    parent, _, key = task_id.rpartition("/")
    row = {
        "id": task_id,
        "owner": task_id.partition("/")[0],
        "parent": parent,
        "position": int(key) if key.isdigit() else 0,
        "kind": "task",
        "team": "writers",
        "skill": "write",
        "priority": 4,
        "input": "{}",
        "created_at": 10.0,
    }
    return {**row, **columns}


def settled_row(task_id, status="succeeded", **columns):
    output = "{}" if status == "succeeded" else None
    error = None if status == "succeeded" else '{"code":"broken","message":"it broke"}'
    row = {"id": task_id, "status": status, "output": output, "error": error, "agent": "w1"}
    return {**row, "attempt": 1, "started_at": 11.0, "ended_at": 12.0, **columns}


def reopened_row(task_id, **columns):
    row = {"id": task_id, "attempt": 2, "replays": 1, "deadline_at": None, "not_before_at": None}
    return {**row, "started_at": None, "dispatched_at": None, "history": None, **columns}


def node_row(path, kind="map", status="open", **columns):
    parent, _, key = path.rpartition("/")
    row = {"path": path, "owner": path.partition("/")[0], "parent": parent, "position": int(key), "kind": kind}
    ended_at = None if status == "open" else 12.0
    row |= {"name": kind, "status": status, "state": "{}", "output": None, "error": None, "started_at": 10.0}
    return {**row, "ended_at": ended_at, **columns}


def accepted_event(project, at=10.0, **columns):
    row = task_row(project, owner=None, parent=None, kind="project", team=None, skill=None, created_at=at, **columns)
    plan = {"id": project, "plan": '{"kind":"call"}', "report_to": "director", "playbook": "survey", "to_trace": True}
    return ProjectAccepted(project, at, row, plan)


def assigned_event(assignment, owner=None, **columns):
    owner = owner or assignment.partition("/")[0]
    row = task_row(assignment, owner=owner, kind="assignment", skill=None, **columns)
    return Planned(owner, 10.0, [row], [{"id": assignment, "plan": "{}", "report_to": "director"}])
