"""CPU-bound skills, in real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from warren.skills.registry import load_skills
from warren.testing.patience import wait_until
from worker.station import station

TEXT = """
import os, signal, time
from pathlib import Path
from warren import Context, Reject, skill

class Awkward(Exception):
    def __init__(self, a, b):
        super().__init__(a)

@skill("s", cpu=True, max_attempts=1, timeout_s=TIMEOUT)
def work(what: str, path: str = "", context: Context = None) -> dict:
    if path:
        Path(path).write_text(str(os.getpid()))
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        raise SystemExit(3)
    if what == "awkward":
        raise Awkward("cannot be pickled", lambda: None)
    if what == "reject":
        raise Reject("no", code="nope")
    if what == "hang":
        time.sleep(600)
    return {"pid": os.getpid(), "task": context.task_id}
"""


def served(write, name, timeout="None", **options):
    write(name, TEXT.replace("TIMEOUT", timeout).replace("context: Context = None", "*, context: Context"))
    (found,) = load_skills([name])
    return station("t", found, **options)


def runs(path):
    """The process that wrote its id, if it still runs."""
    try:
        return Path(f"/proc/{path.read_text()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_cpu_bound_skill_runs_in_a_process_that_is_kept(house, write):
    async with house.worker(served(write, "cpu_kept", concurrency=1)):
        await house.give({"what": "ok"}, {"what": "ok"})
        first, second = await house.results(2)

    assert first.outcome.output["pid"] == second.outcome.output["pid"] != os.getpid()
    assert first.outcome.output["task"] == "p/0/0"


async def test_errors_cross_the_border_whole(house, write):
    async with house.worker(served(write, "cpu_errors", concurrency=1)):
        await house.give({"what": "awkward"}, {"what": "exit"}, {"what": "reject"}, {"wat": 1}, {"what": "ok"})
        results = await house.results(5)

    awkward, left, rejected, invalid = (result.outcome.error for result in results[:4])
    assert (awkward.code, awkward.type, awkward.message) == ("handler_error", "Awkward", "cannot be pickled")
    assert "cpu_errors.py" in awkward.traceback
    assert (left.code, left.type) == ("handler_error", "SystemExit")
    assert (rejected.code, rejected.permanent) == ("nope", True)
    assert invalid.code == "input_invalid"
    assert results[4].outcome.status == "succeeded"


async def test_a_process_that_dies_takes_only_its_own_task_with_it(house, write, tmp_path):
    async with house.worker(served(write, "cpu_dies", concurrency=2)):
        await house.give({"what": "hang", "path": str(tmp_path / "pid")})
        await wait_until(lambda: runs(tmp_path / "pid"))
        await house.give(*({"what": what} for what in ("die", "ok", "die", "ok")))
        results = await house.results(4)
        assert runs(tmp_path / "pid")

    assert [result.outcome.status for result in results] == ["failed", "succeeded", "failed", "succeeded"]
    assert results[0].outcome.error.code == "worker_process_died"
    assert "by signal 9" in results[0].outcome.error.message
    assert not runs(tmp_path / "pid")


async def test_a_process_that_takes_too_long_is_killed(house, write, tmp_path):
    async with house.worker(served(write, "cpu_slow", timeout="1.5", concurrency=1)):
        await house.give({"what": "hang", "path": str(tmp_path / "pid")}, {"what": "ok"})
        first, second = await house.results(2)

        assert not runs(tmp_path / "pid")
    assert first.outcome.error.code == "handler_timeout"
    assert second.outcome.status == "succeeded"


async def test_a_cancelled_task_has_its_process_killed(house, write, tmp_path):
    async with house.worker(served(write, "cpu_cancel", concurrency=1)):
        await house.give({"what": "hang", "path": str(tmp_path / "pid")}, {"what": "ok"})
        await wait_until(lambda: runs(tmp_path / "pid"))
        await house.cancel("p/0/0")
        first, second = await house.results(2)

    assert (first.outcome.status, second.outcome.status) == ("cancelled", "succeeded")
    assert not runs(tmp_path / "pid")


WORKER = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from warren import Context
from warren.messages.task import Task
from warren.skills.registry import load_skills
from worker.processes import Processes
from worker.running import Running

async def main():
    (skill,) = load_skills(["cpu_orphan"])
    task = Task(id="p/0", input={"what": "hang", "path": sys.argv[1]})
    async with Processes(ThreadPoolExecutor()) as processes:
        running = Running(Context("p/0"))
        async with processes.lent(skill, running) as child:
            await processes.run(child, skill, task, running)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_worker_that_is_killed_leaves_no_process_behind(write, tmp_path):
    served(write, "cpu_orphan")
    script = tmp_path / "killed.py"
    script.write_text(WORKER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    command = [sys.executable, str(script), str(tmp_path / "pid")]
    with subprocess.Popen(command, env=environment) as worker:  # noqa: ASYNC220
        await wait_until(lambda: runs(tmp_path / "pid"), timeout_s=20)
        worker.send_signal(signal.SIGKILL)

    await wait_until(lambda: not runs(tmp_path / "pid"), timeout_s=20)
