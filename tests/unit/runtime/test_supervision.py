import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from warren.runtime.supervision.backoff import Backoff
from warren.runtime.supervision.command import Command
from warren.runtime.supervision.supervisor import supervising
from warren.testing.patience import wait_until

SLEEPER = str(Path(__file__).with_name("sleeper.py"))
QUICK = Backoff(first_s=0.02, longest_s=0.1)

SUPERVISOR = f"""
import asyncio, os, sys
from pathlib import Path
from warren.runtime.supervision.command import Command
from warren.runtime.supervision.supervisor import supervising

async def main():
    command = Command("one", (sys.executable, {SLEEPER!r}, "--grace-s", "0.5"), dict(os.environ), Path(sys.argv[1]))
    tell = lambda condition: print(condition.state, condition.pid, flush=True)
    async with supervising([command], tell, grace_s=1):
        await asyncio.Event().wait()

asyncio.run(main())
"""


def sleeper(tmp_path, name="one", do="sleep", stage=0):
    environment = {**os.environ, "DO": do}
    return Command(name, (sys.executable, SLEEPER), environment, tmp_path / f"{name}.log", stage)


def shell(tmp_path, script, name="one", stage=0):
    return Command(name, ("/bin/sh", "-c", script), dict(os.environ), tmp_path / f"{name}.log", stage)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


def printed(tmp_path, name="one"):
    log = tmp_path / f"{name}.log"
    return log.exists() and log.read_text()


@pytest.fixture
def told():
    return []


async def test_a_process_tells_when_it_is_ready_and_where_its_health_is(tmp_path, told):
    async with supervising([sleeper(tmp_path)], told.append, grace_s=5) as supervisor:
        await wait_until(lambda: supervisor.conditions[0].state == "ready")
        assert supervisor.conditions[0].health_url.startswith("http://127.0.0.1:")
    assert [condition.state for condition in told] == ["starting", "ready", "draining", "stopped"]
    assert "closed" in (tmp_path / "one.log").read_text()


async def test_a_process_that_is_killed_is_started_again(tmp_path, told):
    async with supervising([sleeper(tmp_path)], told.append, grace_s=5, backoff=QUICK) as supervisor:
        await wait_until(lambda: supervisor.conditions[0].state == "ready")
        first = supervisor.conditions[0].pid
        os.kill(first, signal.SIGKILL)
        await wait_until(lambda: supervisor.conditions[0].state == "ready" and supervisor.conditions[0].pid != first)
        assert supervisor.conditions[0].restarts == 1
    assert "was killed by SIGKILL" in [condition.reason for condition in told]


async def test_the_reason_of_a_crash_is_told(tmp_path, told):
    async with supervising([sleeper(tmp_path, do="fail")], told.append, grace_s=5, backoff=QUICK):
        await wait_until(lambda: any(condition.state == "died" for condition in told))
    died = next(condition for condition in told if condition.state == "died")
    assert died.reason == "ended with exit code 3: no broker at amqp://me:***@nowhere/"


async def test_the_reason_of_any_program_is_its_last_line(tmp_path, told):
    command = shell(tmp_path, "echo fine; echo 'disk full' >&2; exit 7")
    async with supervising([command], told.append, grace_s=5, backoff=QUICK):
        await wait_until(lambda: any(condition.state == "died" for condition in told))
    assert "ended with exit code 7: disk full" in [condition.reason for condition in told]


async def test_what_a_program_went_on_with_before_it_died_is_not_the_reason(tmp_path, told):
    line = '{"level": "info", "message": "cancelled"}'
    command = shell(tmp_path, f"echo '{line}' >&2; exit 7")
    async with supervising([command], told.append, grace_s=5, backoff=QUICK):
        await wait_until(lambda: any(condition.state == "died" for condition in told))
    assert "ended with exit code 7" in [condition.reason for condition in told]


async def test_stages_are_taken_down_one_after_the_other(tmp_path, told):
    trap = f"trap 'echo \"$0\" >> {tmp_path}/order; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    commands = [
        Command(name, ("/bin/sh", "-c", trap, name), dict(os.environ), tmp_path / f"{name}.log", stage)
        for name, stage in (("director", 2), ("worker", 0), ("lead", 1))
    ]
    async with supervising(commands, told.append, grace_s=5):
        await wait_until(lambda: all(printed(tmp_path, command.name) for command in commands))
    assert (tmp_path / "order").read_text().split() == ["worker", "lead", "director"]


async def test_a_process_that_does_not_drain_is_killed(tmp_path, told, monkeypatch):
    monkeypatch.setattr("warren.runtime.supervision.child.KILL_MARGIN_S", 0.2)
    async with supervising(
        [shell(tmp_path, "trap '' TERM; echo up; while :; do sleep 0.05; done")], told.append, grace_s=0.1
    ):
        await wait_until(lambda: printed(tmp_path))
    assert is_gone(told[0].pid)


async def test_an_error_leaves_no_process(tmp_path, told):
    async def fail():
        async with supervising([sleeper(tmp_path)], told.append, grace_s=5):
            await wait_until(lambda: told)
            raise RuntimeError("bang")

    with pytest.raises(ExceptionGroup):
        await fail()
    assert is_gone(told[0].pid)


async def test_processes_end_when_their_supervisor_is_killed(tmp_path):
    argv = [sys.executable, "-c", SUPERVISOR, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        lines = iter(parent.stdout.readline, "")
        pid = int(next(line for line in lines if line.startswith("ready")).split()[1])
        parent.kill()
        parent.wait()
    await wait_until(lambda: not is_alive(pid))
    assert "drained" in (tmp_path / "log").read_text()


def test_pauses_grow_with_every_death_in_a_row_and_begin_anew_after_a_healthy_life():
    backoff, pauses = Backoff(first_s=1, longest_s=5, healthy_s=10), []
    for lived_s in (0, 0, 0, 0, 60):
        backoff = backoff.after_death(lived_s)
        pauses.append(backoff.pause_s)
    assert pauses == [1, 2, 4, 5, 1]


async def test_stopping_does_not_wait_for_a_pause_to_end(tmp_path, told):
    slow = Backoff(first_s=3600, longest_s=3600)
    async with asyncio.timeout(10), supervising([shell(tmp_path, "exit 1")], told.append, grace_s=1, backoff=slow):
        await wait_until(lambda: told and told[-1].state == "died")
