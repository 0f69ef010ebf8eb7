"""`make demo`: survey a source tree with a cluster of your own, by the same two commands that you would type.

    python examples/survey/demo.py [PATH]

PATH is a folder with Python files, by default this machine's standard library. Any process of the cluster may be
killed meanwhile, `warren up` and the broker too: the result is the same.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA_DIR = Path(".warren") / "demo"
REPORT_DIR = Path("survey-report").absolute()
WARREN = [str(Path(sys.executable).with_name("warren"))]
READY_S = 90.0
TRIES = 20
ENDED = (0, 1)
"""Exit codes of `warren submit --watch` after which the project has ended."""
BAR_WIDTH = 40


def main(arguments: list[str]) -> int:
    root = Path(arguments[0] if arguments else sysconfig.get_paths()["stdlib"]).absolute()
    if not root.is_dir():
        sys.stderr.write(f"{root} is not a folder; name one: make demo PATH_TO_SURVEY=…\n")
        return 2
    print(f"surveying {root}", flush=True)
    project = str(uuid.uuid4())
    with closing(Cluster()) as cluster:
        wait_until_ready(cluster)
        if survey(project, root) != 0:
            return 1
        show(json.loads(warren("result", project)), json.loads(warren("status", project, "--json")))
    return 0


class Cluster:
    """`warren up`, started again if something kills it."""

    def __init__(self) -> None:
        self._command = [*WARREN, "up", "--cluster", str(HERE / "cluster.yaml"), "--data-dir", str(DATA_DIR)]
        self._lock = threading.Lock()
        self._leaving = False
        announce(self._command)
        self.process = subprocess.Popen(self._command)  # noqa: S603
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()

    def close(self) -> None:
        """Stop it, and wait until everything has gone."""
        with self._lock:
            self._leaving = True
            self.process.terminate()
        self._keeper.join()

    def _keep(self) -> None:
        while self.process.wait() < 0:
            with self._lock:
                if self._leaving:
                    return
                print("`warren up` was killed; starting it again", flush=True)
                self.process = subprocess.Popen(self._command)  # noqa: S603


def wait_until_ready(cluster: Cluster) -> None:
    deadline = time.monotonic() + READY_S
    while not is_ready():
        if (code := cluster.process.poll() or 0) > 0:
            raise SystemExit(code)
        if time.monotonic() > deadline:
            raise SystemExit(f"the cluster was not ready within {READY_S:.0f} s")
        time.sleep(0.1)


def is_ready() -> bool:
    try:
        processes = json.loads((DATA_DIR / "cluster.json").read_text())["processes"]
    except (OSError, ValueError):
        return False
    return bool(processes) and all(process["state"] == "ready" for process in processes)


def survey(project: str, root: Path) -> int:
    """Submit and watch; handed in again with the same id after an interruption, it is still the same project."""
    command = [*WARREN, "submit", "survey", "--watch", "--id", project, "--data-dir", str(DATA_DIR)]
    command += ["--set", f"path={root}", "--set", f"report_dir={REPORT_DIR}"]
    announce(command)
    for _ in range(TRIES):
        code = subprocess.run(command, check=False).returncode  # noqa: S603
        if code in ENDED:
            return code
        time.sleep(1.0)
    return 1


def warren(*arguments: str) -> str:
    """What a `warren` command prints, asked again while the cluster recovers."""
    command = [*WARREN, *arguments, "--data-dir", str(DATA_DIR)]
    for _ in range(TRIES):
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode == 0:
            return done.stdout
        time.sleep(1.0)
    raise SystemExit(done.stderr)


def show(result: dict[str, Any], status: dict[str, Any]) -> None:
    """Where the time went, how fast it was, and where the files are."""
    seconds = status["ended_s"] - status["accepted_s"]
    tasks = result["files"] + result["packages"]
    print(
        f"\n{counted(result['files'], 'file')} in {counted(result['packages'], 'package')}, {result['lines']:,} lines"
    )
    print(f"{counted(tasks, 'task')} in {seconds:.1f} s: {tasks / seconds:,.1f} tasks/s\n")
    print("where the time went")
    for step in steps(status["tree"]):
        print("  " + bar(step, status["accepted_s"], seconds))
    print(f"\nthe report: {result['html']}\n            {result['markdown']}")


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def steps(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of the project's plan: the children of its root node."""
    root = f"{tree[0]['id']}/0"
    return [branch for branch in tree if branch["id"].rpartition("/")[0] == root and branch["ended_s"]]


def bar(step: dict[str, Any], began_s: float, seconds: float) -> str:
    offset = int((step["started_s"] - began_s) / seconds * BAR_WIDTH)
    took_s = step["ended_s"] - step["started_s"]
    length = max(1, round(took_s / seconds * BAR_WIDTH))
    drawn = (" " * offset + "█" * length)[:BAR_WIDTH].ljust(BAR_WIDTH)
    return f"{step['step']:<12} {drawn} {took_s:6.2f} s"


def announce(command: list[str]) -> None:
    print("$ " + shlex.join(["warren", *command[1:]]), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
