"""Spans reach the collector once, however long that is away, and whoever is stopped meanwhile."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from warren.clock import VirtualClock
from warren.coordination.desk import Desk
from warren.coordination.tracer import LONGEST_PAUSE_S, TRIES, Tracer
from warren.ledger.event import ProjectAccepted, Settled
from warren.ledger.ledger import open_ledger
from warren.telemetry.context import TraceContext, trace_id_of
from warren.telemetry.telemetry import Telemetry

PROJECTS = [f"0197f0a0-0000-7000-8000-{number:012d}" for number in range(3)]


class Sink:
    """A collector that can be away, can refuse, and can take only a part."""

    def __init__(self):
        self.spans = []
        self.is_away = self.refuses = False
        self.takes = None
        self.tries = 0

    async def export(self, spans):
        self.tries += 1
        if self.is_away or self.refuses:
            return 0
        taken = spans[: self.takes]
        self.spans += taken
        return len(taken)

    async def answers(self):
        return not self.is_away

    @property
    def projects(self):
        return [span.attributes["warren.project.id"] for span in self.spans]


@pytest.fixture
async def ledger(tmp_path):
    async with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", inline=True) as opened, asyncio.timeout(20):
        yield opened


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
async def tracing(ledger, sink):
    """Coordinators that export what three projects left behind."""
    clock = VirtualClock(1_000.0)
    events = []
    for project in PROJECTS:
        task = {"id": project, "kind": "project", "priority": 4, "input": "{}", "created_at": 10.0}
        trace = TraceContext(trace_id_of(project), sampled=True, exported=True).to_text()
        plan = {"id": project, "plan": '{"kind":"call"}', "report_to": "director", "trace": trace, "to_trace": True}
        end = {"id": project, "status": "succeeded", "output": "{}", "error": None, "ended_at": 12.0}
        end |= {"agent": None, "attempt": 1, "started_at": 11.0}
        events += [ProjectAccepted(project, 10.0, task, plan), Settled(project, 12.0, [end])]
    await ledger.transact(lambda transaction: transaction.append(*events))

    @asynccontextmanager
    async def coordinator():
        telemetry = Telemetry.silent("director")
        telemetry.spans = sink
        desk = Desk(None, ledger, clock)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(Tracer(desk, telemetry).run())
            yield telemetry
            running.cancel()
        await desk.write_notes()

    coordinator.clock = clock
    return coordinator


@pytest.fixture
def later(tracing):
    """Lets virtual time go by, a second at a time."""

    async def go(seconds):
        for _ in range(seconds):
            tracing.clock.advance(1.0)
            for _ in range(50):
                await asyncio.sleep(0)

    return go


async def test_what_has_ended_is_exported_once(tracing, sink, later):
    async with tracing(), tracing():
        await later(5)
    assert sorted(sink.projects) == PROJECTS


async def test_an_outage_of_the_collector_is_waited_out_however_long_it_is(tracing, sink, later):
    sink.is_away = True
    async with tracing() as telemetry:
        await later(3600)
        assert sink.spans == []
        assert sink.tries < 3600 / LONGEST_PAUSE_S + 2 * TRIES
        sink.is_away = False
        await later(int(LONGEST_PAUSE_S) + 5)
    assert sorted(sink.projects) == PROJECTS
    assert "warren_spans_dropped" not in telemetry.page()


async def test_what_a_collector_refuses_though_it_answers_is_given_up_and_counted(tracing, sink, later):
    sink.refuses = True
    async with tracing() as telemetry:
        await later(200)
        assert sink.tries == 3 * TRIES
        assert "warren_spans_dropped_total 3" in telemetry.page()
        sink.refuses = False
        await later(60)
    assert sink.spans == []


async def test_what_arrived_is_not_sent_again_with_what_did_not(tracing, sink, later):
    sink.takes = 2
    many = [object() for _ in range(7)]
    tracer = Tracer(Desk(None, None, tracing.clock), Telemetry.silent("director"))
    tracer._telemetry.spans = sink
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(tracer._send(many))
        await later(10)
        assert sending.done()
    assert sink.spans == many


async def test_what_a_process_could_not_send_before_it_was_stopped_another_one_sends(tracing, sink, later):
    sink.is_away = True
    async with tracing():
        await later(30)
    sink.is_away = False
    assert sink.spans == []
    async with tracing():
        await later(5)
    assert sorted(sink.projects) == PROJECTS


async def test_what_a_process_has_just_taken_when_it_is_stopped_another_one_sends(tracing, sink, later, tmp_path):
    """A transaction that runs in a thread cannot be called back: what it has taken is taken."""
    begun, may_end = threading.Event(), threading.Event()

    class Slow(Desk):
        async def transact(self, work):
            def slowly(transaction):
                value = work(transaction)
                begun.set()
                may_end.wait(20)
                return value

            return await super().transact(work if begun.is_set() else slowly)

    async with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}") as ledger:
        desk = Slow(None, ledger, tracing.clock)
        telemetry = Telemetry.silent("director")
        telemetry.spans = sink
        async with asyncio.TaskGroup() as group:
            exporting = group.create_task(Tracer(desk, telemetry).export())
            await asyncio.to_thread(begun.wait, 20)
            exporting.cancel()
            await asyncio.sleep(0)
            may_end.set()
        await desk.write_notes()
    assert sink.spans == []
    async with tracing():
        await later(5)
    assert sorted(sink.projects) == PROJECTS
