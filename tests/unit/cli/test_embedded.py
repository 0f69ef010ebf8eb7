"""A whole cluster within one command: nothing but a folder with a cluster file, a playbook and a skill."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from warren.cli import main
from warren.telemetry.context import trace_id_of
from warren.testing.otlp import Collector
from warren.testing.patience import wait_until

ID = "0190a8e0-0000-7000-8000-000000000001"

CLUSTER = """
version: 1
teams:
  writers:
    modules: [{module}]
    skills: {{greet: {{}}}}
playbooks: [greetings.yaml]
"""
PLAYBOOK = """
name: greetings
input: {type: object, required: [names], properties: {names: {type: array}}}
plan:
  kind: delegate
  team: writers
  plan:
    kind: map
    items: input.names
    do: {kind: call, skill: greet, input: {name: item}}
    reduce: collect
"""
SKILL = """
from warren import skill

@skill("greet", team="writers")
async def greet(name: str) -> dict:
    if name == "nobody":
        raise ValueError("there is nobody")
    return {"text": "hello " + name}
"""
SLOW_SKILL = """
import threading
from pathlib import Path
from warren import skill

@skill("greet", team="writers")
def greet(name: str) -> dict:
    Path("begun").touch()
    threading.Event().wait()
    return {}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    module = f"greeting_skills_{os.getpid()}"
    (tmp_path / "cluster.yaml").write_text(CLUSTER.format(module=module))
    (tmp_path / "greetings.yaml").write_text(PLAYBOOK)
    (tmp_path / f"{module}.py").write_text(SKILL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / ".warren").mkdir()
    yield tmp_path
    sys.modules.pop(module, None)


def submit(*words):
    return main(["submit", "greetings", "--broker", "memory", *words])


def test_a_project_runs_without_rabbitmq_and_its_result_is_printed(place, capsys):
    assert submit("--set", 'names=["ada", "grace"]') == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["text"] for item in items] == ["hello ada", "hello grace"]


def test_watching_ends_with_the_result(place, capsys):
    assert submit("--set", 'names=["ada"]', "--watch") == 0
    said = capsys.readouterr().out
    assert "succeeded" in said
    assert "hello ada" in said


def test_json_is_one_object_a_line_and_the_result_is_the_last(place, capsys):
    assert submit("--set", 'names=["ada"]', "--watch", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-2]["status"] == "succeeded"
    assert lines[-1]["outcome"]["output"]["items"] == [{"text": "hello ada"}]


def test_an_input_that_does_not_fit_is_refused_with_the_place(place, capsys):
    assert submit("--set", "names=5", "--json") == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["pointer"] == "/input/names"


def test_a_playbook_that_does_not_exist_is_refused_with_those_that_do(place, capsys):
    assert main(["submit", "nope", "--broker", "memory"]) == 2
    assert "greetings" in capsys.readouterr().err


def test_a_cluster_in_memory_ends_on_a_signal(place):
    argv = [sys.executable, "-m", "warren.cli", "up", "--broker", "memory", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert json.loads(process.stdout.readline())["state"] == "ready"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


async def test_ctrl_c_does_not_wait_for_a_plain_function_and_says_where_the_project_is(place):
    next(place.glob("greeting_skills_*.py")).write_text(SLOW_SKILL)
    words = ["submit", "greetings", "--broker", "memory", "--set", 'names=["ada"]', "--wait"]
    argv = [sys.executable, "-m", "warren.cli", *words]
    process = await asyncio.create_subprocess_exec(*argv, stderr=subprocess.PIPE)
    try:
        await wait_until((place / "begun").exists, timeout_s=30)
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 130
    assert b"stays in the ledger" in err
    assert b"Traceback" not in err


def test_a_failure_says_what_failed_and_how_often(place, capsys):
    assert submit("--set", 'names=["nobody"]', "--timeout", "20") == 1
    assert "greet failed after 3 attempts: ValueError: there is nobody (handler_error)" in capsys.readouterr().err


def test_what_is_followed_outside_a_terminal_begins_with_its_id(place, capsys):
    assert submit("--set", 'names=["ada"]', "--watch", "--id", ID.upper()) == 0
    assert capsys.readouterr().out.splitlines()[0] == ID


async def test_a_cluster_within_a_command_tells_a_collector_the_whole_trace(place):
    async with Collector() as collector:
        environment = {**os.environ, **collector.environment()}
        command = [sys.executable, "-m", "warren.cli", "submit", "greetings", "--broker", "memory"]
        command += ["--set", 'names=["ada"]', "--id", ID]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        trace = collector.trace(trace_id_of(ID))
    trace.check()
    assert trace.outline() == [
        "submit greetings",
        "  invoke_workflow greetings",
        "    assignment writers",
        "      wait warren.lead.writers",
        "      map",
        "        task greet",
        "          wait warren.work.writers.greet",
        "          invoke_agent greet",
    ]
