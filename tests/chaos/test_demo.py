"""The demo's promise: whatever is killed meanwhile, the result is the same."""

import asyncio
import json
import os
import shutil
import signal
import sys
import sysconfig
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from warren.testing.patience import wait_until

DEMO = Path(__file__).parents[2] / "examples" / "survey" / "demo.py"
FILES = 400
PATIENCE_S = 150.0


@pytest.fixture
def tree(tmp_path):
    """A part of the standard library, large enough that the survey outlasts the killing."""
    source, target = Path(sysconfig.get_paths()["stdlib"]), tmp_path / "tree"
    files = sorted(
        path for path in source.rglob("*.py") if "site-packages" not in path.parts and "lib2to3" not in path.parts
    )
    for path in files[:FILES]:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return target


@asynccontextmanager
async def demo(folder, tree):
    folder.mkdir()
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(DEMO), str(tree), cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process, log
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def running(folder):
    try:
        return json.loads((folder / ".warren" / "demo" / "cluster.json").read_text())
    except (OSError, ValueError):
        return {"pid": None, "processes": []}


def pid_of(folder, name):
    if name == "up":
        return running(folder)["pid"]
    return next((each["pid"] for each in running(folder)["processes"] if each["name"] == name), None)


def is_ready(folder, name):
    processes = running(folder)["processes"]
    return any(each["state"] == "ready" and name in {each["name"], "up"} for each in processes)


async def until_at_work(process, folder, log, name):
    def at_work():
        return process.returncode is not None or ("done" in log.read_text() and is_ready(folder, name))

    await wait_until(at_work, timeout_s=PATIENCE_S)


async def kill(process, folder, name):
    """Kill a process, and wait until it is known to be gone."""
    victim = pid_of(folder, name)
    os.kill(victim, signal.SIGKILL)
    await wait_until(lambda: process.returncode is not None or pid_of(folder, name) != victim, timeout_s=PATIENCE_S)


def result_in(log):
    """The project's output, the only JSON object that the demo prints."""
    text = log.read_text()
    start = text.index("\n{\n") + 1
    output, _ = json.JSONDecoder().raw_decode(text[start:])
    return {name: value for name, value in output.items() if name not in {"html", "markdown"}}


@pytest.mark.chaos
@pytest.mark.broker
@pytest.mark.timeout(400)
async def test_the_demo_s_result_is_the_same_whichever_process_is_killed(tmp_path, tree):
    async with demo(tmp_path / "calm", tree) as (process, log):
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, log.read_text()
        calm = result_in(log)

    folder = tmp_path / "wild"
    async with demo(folder, tree) as (process, log):
        killed = []
        for name in ("director", "lead-scouts", "worker-scouts-1", "worker-analysts", "lead-analysts", "broker", "up"):
            await until_at_work(process, folder, log, name)
            if process.returncode is not None:
                break
            await kill(process, folder, name)
            killed.append(name)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0, log.read_text()
        assert len(killed) >= 4, f"the survey was over before most could be killed: {killed}"
        assert result_in(log) == calm
