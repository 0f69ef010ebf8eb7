"""Runs one program and leaves nothing of it behind, however the worker or the program ends.

The worker starts this file by its path, isolated and with the standard library only, as the parent of the program:

    python -I -S guard.py CONTROL STATUS GRACE_S FOLDER PROGRAM [ARGUMENT...]

When the pipe CONTROL closes, because the worker wants it so or because the worker died, the program's whole process
group gets SIGTERM, and SIGKILL after the grace. What the program leaves running when it ends is killed as well, even
what moved to a session of its own: on Linux it becomes this process's child. Should this process itself be killed, the
kernel kills the program, and the worker what that had started. How it went is written to the pipe STATUS as one JSON
object.

A `preexec_fn` in the worker could do a part of this, but it is not safe in a process with threads, and reaches only
the program itself and not its children.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
RESTORED = (signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
COULD_NOT_START = 127


def main(arguments: list[str]) -> None:
    control, status = int(arguments[0]), int(arguments[1])
    for descriptor in (control, status):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the signature of os
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    woken = wake_on_child()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    started = start(arguments[3], arguments[4:])
    told = started if isinstance(started, dict) else watch(started, control, woken, float(arguments[2]))
    os.write(status, json.dumps(told).encode())


def start(folder: str, argv: list[str]) -> int | dict[str, object]:
    """The program's process id, or what kept it from starting."""
    read_end, write_end = os.pipe()
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(folder, argv, write_end, guard)
    os.close(write_end)
    for descriptor in (0, 1, 2):  # the program's alone, so that its end is the end of its output
        os.close(descriptor)
    with os.fdopen(read_end, "rb") as pipe:
        trouble = pipe.read()
    if not trouble:
        return pid
    os.waitpid(pid, 0)
    failure: dict[str, object] = json.loads(trouble)
    return failure


def become(folder: str, argv: list[str], report: int, guard: int) -> None:
    """In the forked child: turn into the program, in a session of its own, or say why not."""
    step = "folder"
    try:
        os.setsid()
        for number in RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == guard:
            os.chdir(folder)
            step = "program"
            os.execvp(argv[0], argv)  # noqa: S606 - no shell is the point
    except OSError as error:
        os.write(report, json.dumps({"step": step, "errno": error.errno}).encode())
    finally:
        os._exit(COULD_NOT_START)


def watch(program: int, control: int, woken: int, grace_s: float) -> dict[str, object]:
    """Wait until the program has ended by itself, or has been made to."""
    kill_at: float | None = None
    killed = False
    sources = [control, woken]
    while (ended := reap(program)) is None:
        left_s = None if kill_at is None or killed else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(sources, [], [], left_s)
        if woken in ready:
            os.read(woken, 4096)
        if control in ready:
            sources.remove(control)
            signal_group(program, signal.SIGTERM)
            kill_at = time.monotonic() + grace_s
        elif kill_at is not None and not killed and time.monotonic() >= kill_at:
            killed = True
            signal_group(program, signal.SIGKILL)
    signal_group(program, signal.SIGKILL)
    kill_descendants()
    return {"code": ended, "killed": killed}


def reap(program: int) -> int | None:
    """The program's exit code, or the negative number of the signal that ended it; None while it runs."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == program:
            code = os.waitstatus_to_exitcode(status)


def kill_descendants() -> None:
    """What outlived the program has become a child of this process; what those leave behind, will."""
    while True:
        for pid in children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children() -> list[int]:
    """The process ids of this process's children, where the system tells them."""
    me = str(os.getpid())
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if entry.read_text(errors="replace").rpartition(")")[2].split()[1] == me:
                found.append(int(entry.parent.name))
    return found


def signal_group(program: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program, number)


def wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    return read_end


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the process group has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
