"""`warren up` as a person uses it: a real RabbitMQ, real processes, and a second terminal."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from warren.testing.patience import wait_until

pytestmark = [pytest.mark.chaos]

CLUSTER = """
version: 1
teams:
  writers:
    workers: 1
    modules: [greeting]
    skills: {greet: {}}
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
    return {"text": "hello " + name}
"""
BROKEN_SKILL = "import a_module_that_is_not_there\n"
READY_S = 60


@pytest.fixture
def place(tmp_path):
    (tmp_path / "cluster.yaml").write_text(CLUSTER)
    (tmp_path / "greetings.yaml").write_text(PLAYBOOK)
    (tmp_path / "greeting.py").write_text(SKILL)
    return tmp_path


@pytest.fixture
def environment(amqp_vhost_url):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WARREN_")}
    return {**inherited, "WARREN_AMQP_URL": amqp_vhost_url}


@pytest.fixture
def up(place, environment):
    """A running cluster, which a failing test must not leave behind."""
    argv = [sys.executable, "-m", "warren.cli", "up", "--json", "--grace", "5"]
    with subprocess.Popen(argv, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def warren(place, environment, *words):
    """Another terminal: it has no settings, and finds the cluster by its folder."""
    inherited = {name: value for name, value in environment.items() if not name.startswith("WARREN_")}
    argv = [sys.executable, "-m", "warren.cli", *words]
    done = subprocess.run(argv, cwd=place, env=inherited, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def processes(place):
    try:
        return {
            each["name"]: each for each in json.loads((place / ".warren" / "cluster.json").read_text())["processes"]
        }
    except FileNotFoundError:
        return {}


def is_up(place):
    found = processes(place)
    return bool(found) and all(each["state"] == "ready" for each in found.values())


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


async def test_a_project_is_submitted_from_another_terminal_and_its_result_comes_back(place, environment, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    assert sorted(processes(place)) == ["director", "lead-writers", "worker-writers"]
    code, out, err = warren(place, environment, "submit", "greetings", "--set", 'names=["ada"]', "--wait")
    assert (code, json.loads(out)["items"], err) == (0, [{"text": "hello ada"}], "")
    code, out, _ = warren(place, environment, "status", "--json")
    [project] = json.loads(out)
    assert (code, project["status"]) == (0, "succeeded")
    code, out, _ = warren(place, environment, "result", project["id"])
    assert (code, json.loads(out)["items"]) == (0, [{"text": "hello ada"}])


async def test_a_process_that_is_killed_comes_back(place, environment, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    before = {name: each["pid"] for name, each in processes(place).items()}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    await wait_until(
        lambda: is_up(place) and all(each["pid"] != before[name] for name, each in processes(place).items()),
        timeout_s=READY_S,
    )
    code, out, _ = warren(place, environment, "submit", "greetings", "--set", 'names=["ada"]', "--wait")
    assert (code, json.loads(out)["items"]) == (0, [{"text": "hello ada"}])


async def test_a_folder_that_cannot_be_written_any_more_ends_nothing(place, environment, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    (place / ".warren" / "cluster.json.new").mkdir()  # as good as a full disk, and a disk is not full for the superuser
    os.kill(processes(place)["worker-writers"]["pid"], signal.SIGKILL)
    code, out, _ = warren(place, environment, "submit", "greetings", "--set", 'names=["ada"]', "--wait")
    assert (code, json.loads(out)["items"]) == (0, [{"text": "hello ada"}])
    assert up.poll() is None


async def test_ctrl_c_takes_everything_down(place, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    pids = [each["pid"] for each in processes(place).values()]
    up.send_signal(signal.SIGINT)
    assert up.wait(30) == 0
    assert all(is_gone(pid) for pid in pids)
    assert not (place / ".warren" / "cluster.json").exists()
    ended = [each["name"] for each in map(json.loads, up.stdout) if each["state"] == "stopped"]
    assert ended.index("worker-writers") < ended.index("lead-writers") < ended.index("director")


async def test_no_process_outlives_a_supervisor_that_is_killed(place, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    pids = [each["pid"] for each in processes(place).values()]
    up.kill()
    await wait_until(lambda: all(is_gone(pid) for pid in pids), timeout_s=30)


async def test_a_second_cluster_on_one_folder_is_refused(place, environment, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    code, _, err = warren(place, environment, "up")
    assert (code, f"process {up.pid}" in err) == (2, True)


async def test_a_second_cluster_on_one_vhost_is_warned_of_the_first(place, environment, up):
    await wait_until(lambda: is_up(place), timeout_s=READY_S)
    (place / "greeting.py").write_text(BROKEN_SKILL)
    _, _, err = run_up(place, {**environment, "WARREN_DATA_DIR": str(place / "another")})
    assert "a director works on this broker already" in err
    assert "vhost of its own" in err


def test_a_skill_that_cannot_be_loaded_ends_it_with_the_reason(place, environment):
    (place / "greeting.py").write_text(BROKEN_SKILL)
    code, _, err = run_up(place, environment)
    assert (code, "a_module_that_is_not_there" in err) == (2, True)


@pytest.mark.endurance
def test_a_broker_that_is_not_there_is_an_error_without_its_password(place, environment):
    code, out, err = run_up(place, {**environment, "WARREN_AMQP_URL": "amqp://me:hunter2@127.0.0.1:1/"})
    assert (code, "127.0.0.1:1" in err) == (3, True)
    assert "hunter2" not in out + err
    assert "Traceback" not in err


def run_up(place, environment):
    """`warren up` where it cannot stay up."""
    argv = [sys.executable, "-m", "warren.cli", "up", "--grace", "1"]
    done = subprocess.run(argv, cwd=place, env=environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr
