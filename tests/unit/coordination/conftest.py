"""A lead's plan on a real ledger, moved on by hand."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from warren.coordination.settlement import Carrier, Incoming
from warren.ledger.event import ProjectAccepted
from warren.ledger.ledger import open_ledger
from warren.ledger.schema import events, nodes, tasks
from warren.messages.codec import to_json
from warren.messages.outcome import ErrorInfo, Failed, Succeeded
from warren.messages.result import Result
from warren.patterns.plan import dump_plan, parse_plan

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
LEAD = f"{PROJECT}/0"
ROOT = f"{LEAD}/0"
LIMIT_BYTES = 100_000


@dataclass
class Office:
    """One ledger and one carrier; time is a number that tests set."""

    ledger: object
    limit_bytes: int = LIMIT_BYTES
    now: float = 1_000.0
    carrier: Carrier = None
    effects: list = field(default_factory=list)

    def __post_init__(self):
        self.restart()

    def restart(self):
        """What a new process would have: nothing in memory."""
        self.carrier = Carrier(self.limit_bytes)

    async def do(self, work):
        """A transaction, and its effects once it is durable."""
        effects = await self.ledger.transact(work)
        self.carrier.keep(effects)
        self.effects.append(effects)
        return effects

    async def begin(self, plan, *, deadline_at=None, priority=4, trace=None, **data):
        """A project that delegates this plan to the scouts, whose lead has begun; returns the lead's effects."""
        whole = {"kind": "delegate", "team": "scouts", "plan": plan}
        task = {"id": PROJECT, "kind": "project", "priority": priority, "deadline_at": deadline_at}
        task |= {"input": to_json(data), "created_at": self.now}
        row = {"id": PROJECT, "plan": to_json(dump_plan(parse_plan(whole))), "report_to": "director", "trace": trace}
        event = ProjectAccepted(PROJECT, self.now, task, row)
        await self.ledger.transact(lambda transaction: transaction.append(event))
        await self.start(PROJECT)
        return await self.start(LEAD)

    async def start(self, owner):
        return await self.do(lambda tx: self.carrier.begin(tx, tx.lock([owner])[owner], self.now))

    async def settle(self, *results, redelivered=False):
        incoming = [Incoming(result, redelivered) for result in results]
        return await self.do(lambda transaction: self.carrier.settle(transaction, incoming, self.now))

    async def finish(self, owner, outcome):
        return await self.do(lambda tx: self.carrier.finish(tx, tx.lock([owner])[owner], outcome, self.now))

    async def rows(self, table=tasks, key="id"):
        def read(transaction):
            return {getattr(row, key): row for row in transaction.connection.execute(table.select())}

        return await self.ledger.transact(read)

    async def statuses(self):
        """Of what is below the lead's assignment, by the rest of the id."""
        return {path.removeprefix(LEAD): row.status for path, row in (await self.rows()).items() if path > LEAD}

    async def node_statuses(self):
        return {path.removeprefix(LEAD): row.status for path, row in (await self.rows(nodes, "path")).items()}

    async def event_count(self):
        return len(await self.rows(events, "seq"))


def result(path, outcome=None, *, owner=LEAD, attempt=1, now=1_000.0, **output):
    """Of a task below the lead's assignment, such as `/0/1`; a success with this output unless an outcome is given."""
    return Result(
        id=LEAD + path if path.startswith("/") else path,
        owner=owner,
        attempt=attempt,
        outcome=outcome or Succeeded(output=output),
        started_s=now - 1,
        ended_s=now,
        agent="w1",
    )


def bad(message="broken"):
    return Failed(error=ErrorInfo(code="handler_error", message=message))


@pytest.fixture
def result_of():
    return result


@pytest.fixture
def broken():
    return bad


@pytest.fixture
async def office():
    async with open_ledger("sqlite://", inline=True) as ledger:
        yield Office(ledger)


@pytest.fixture
def new_office():
    @asynccontextmanager
    async def make(**settings):
        async with open_ledger("sqlite://", inline=True) as ledger:
            yield Office(ledger, **settings)

    return make
