"""Command-line programs as skills, with real programs."""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from topology.command_line import CommandLine, ExitCodes
from topology.skill_settings import SkillSettings
from warren import Context, Reject, Retry
from warren.errors import InvalidInput, SkillError
from warren.skills.command import command_skill

DEADLINE_S = 20
CONTEXT = Context("p/0/1", skill="c", attempt=2, deadline_s=12.5)


def program(folder, *argv, grace_s=5.0, limit=100_000, environment=None, **line):
    line = CommandLine(argv=argv, **line)
    seen = dict(os.environ) if environment is None else environment
    made = command_skill("c", "t", SkillSettings(command=line), folder, seen)
    return dataclasses.replace(made.handler, grace_s=grace_s, max_output_bytes=limit)


def script(folder, text, **options):
    path = folder / "script.py"
    path.write_text(text)
    return program(folder, sys.executable, str(path), **options)


def shell(folder, text, **options):
    return program(folder, "/bin/sh", "-c", text, **options)


def exists(pid):
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until(condition):
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - no other process can set our event
            await asyncio.sleep(0.01)


async def test_the_input_comes_on_stdin_and_a_json_object_goes_out(tmp_path):
    run = script(tmp_path, "import json, sys; print(json.dumps({'got': json.load(sys.stdin)}))")

    assert await run({"n": 3, "é": [1]}, CONTEXT) == {"got": {"n": 3, "é": [1]}}


async def test_text_goes_out_as_text(tmp_path):
    assert await program(tmp_path, "echo", "{a}", output="text")({"a": "x  y"}, CONTEXT) == {"text": "x  y"}


async def test_a_program_that_reads_nothing_gets_a_large_input_all_the_same(tmp_path):
    assert await program(tmp_path, "echo", "{}".replace("{}", "{{}}"))({"a": "x" * 1_000_000}, CONTEXT) == {}


async def test_a_large_output_arrives_whole(tmp_path):
    run = script(tmp_path, "print('x' * 3_000_000)", output="text", limit=4_000_000)

    assert await run({}, CONTEXT) == {"text": "x" * 3_000_000}


async def test_a_program_knows_its_task_and_sees_only_the_environment_that_it_may(tmp_path):
    run = script(
        tmp_path,
        "import json, os; print(json.dumps(dict(os.environ)))",
        environment={"PATH": "/bin", "TOKEN": "t", "SECRET": "s"},
        env=("TOKEN", "ABSENT"),
    )

    seen = await run({}, CONTEXT)

    assert seen["WARREN_TASK_ID"] == seen["WARREN_IDEMPOTENCY_KEY"] == "p/0/1"
    assert (seen["WARREN_ATTEMPT"], seen["WARREN_DEADLINE_S"]) == ("2", "12.500")
    assert (seen["PATH"], seen["TOKEN"]) == ("/bin", "t")
    assert "SECRET" not in seen
    assert "ABSENT" not in seen


async def test_it_runs_in_the_folder_that_is_configured(tmp_path):
    (tmp_path / "inside").mkdir()

    assert await program(tmp_path, "pwd", output="text", cwd="inside")({}, CONTEXT) == {
        "text": str((tmp_path / "inside").resolve())
    }


async def test_a_program_starts_with_the_signals_that_programs_expect(tmp_path):
    text = (
        "import signal as s, json\n"
        "print(json.dumps({n: s.getsignal(getattr(s, n)).name for n in ('SIGTERM', 'SIGHUP')}))"
    )

    assert await script(tmp_path, text)({}, CONTEXT) == {"SIGTERM": "SIG_DFL", "SIGHUP": "SIG_DFL"}


@pytest.mark.parametrize(
    ("argv", "line", "error", "code", "words"),
    [
        (["no-such-program"], {}, Reject, "command_missing", "is not on this machine"),
        (["./plain.txt"], {}, Reject, "command_not_permitted", "may not be executed"),
        (["./no-shebang"], {}, Reject, "command_not_a_program", "needs a first line"),
        (["echo"], {"cwd": "nowhere"}, Reject, "command_folder_missing", "correct cwd"),
        (["sh", "-c", "echo deep trouble >&2; exit 3"], {}, Retry, "command_failed", "exit code 3; .*deep trouble"),
        (["sh", "-c", "exit 4"], {"exit_codes": ExitCodes(permanent=(4,))}, Reject, "command_refused", "exit code 4"),
        (["sh", "-c", "kill -9 $$"], {}, Retry, "command_killed", "ended by signal 9"),
        (["echo", "hello"], {}, Retry, "command_output_invalid", "not JSON.*hello"),
        (["echo", "[1]"], {}, Retry, "command_output_invalid", "no object"),
        (["echo", '{{"a": NaN}}'], {}, Retry, "command_output_invalid", "not JSON"),
        (["true"], {}, Retry, "command_output_invalid", "it is empty"),
        (["printf", r"\377"], {"output": "text"}, Retry, "command_output_invalid", "not UTF-8"),
        (["yes"], {}, Reject, "command_output_too_large", "more than 100,000 bytes"),
        (["sleep", "60"], {"timeout_s": 0.3}, Retry, "command_timeout", "longer than 0.3 s and was stopped"),
    ],
)
async def test_each_way_to_fail_has_its_own_error(tmp_path, argv, line, error, code, words):
    (tmp_path / "plain.txt").write_text("x")
    (tmp_path / "no-shebang").write_text("x")
    (tmp_path / "no-shebang").chmod(0o755)

    with pytest.raises(error, match=words) as caught:
        await program(tmp_path, *argv, **line)({}, CONTEXT)

    assert caught.value.code == code


async def test_a_program_that_does_not_heed_sigterm_is_killed_and_that_is_told(tmp_path):
    text = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sys.stderr.write('stubborn'); sys.stderr.flush(); time.sleep(60)"
    )
    run = script(tmp_path, text, timeout_s=0.5, grace_s=0.2)

    with pytest.raises(Retry, match=r"did not stop.*stubborn") as caught:
        await run({}, CONTEXT)

    assert caught.value.code == "command_would_not_stop"


async def test_arguments_longer_than_the_system_allows_are_an_input_error(tmp_path):
    with pytest.raises(InvalidInput) as caught:
        await program(tmp_path, "echo", "{a}")({"a": "x" * 3_000_000}, CONTEXT)

    assert caught.value.code == "input_invalid"


async def test_only_the_end_of_a_long_complaint_is_kept(tmp_path):
    with pytest.raises(Retry) as caught:
        await script(tmp_path, "import sys; sys.stderr.write('a' * 100_000 + 'END'); sys.exit(1)")({}, CONTEXT)

    assert str(caught.value).endswith("END")
    assert len(str(caught.value)) < 5_000


LEAVES_CHILDREN = """
sleep 100 & echo $! >pids
setsid sleep 100 & echo $! >>pids
(setsid sleep 100 & echo $! >>pids)
"""


def pids(folder):
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def test_children_that_a_program_leaves_behind_are_killed(tmp_path):
    run = shell(tmp_path, LEAVES_CHILDREN + "sleep 0.3; echo '{{}}'")

    assert await run({}, CONTEXT) == {}

    assert len(pids(tmp_path)) == 3
    assert not any(map(exists, pids(tmp_path)))


async def test_cancelling_stops_the_program_and_its_children(tmp_path):
    running = asyncio.ensure_future(shell(tmp_path, LEAVES_CHILDREN + "sleep 100")({}, CONTEXT))
    await until(lambda: len(pids(tmp_path)) == 3)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(map(exists, pids(tmp_path)))


WORKER = """
import asyncio, sys
from pathlib import Path
from topology.command_line import CommandLine
from topology.skill_settings import SkillSettings
from warren import Context
from warren.skills.command import command_skill
line = CommandLine(argv=("/bin/sh", "-c", sys.argv[2]))
made = command_skill("c", "t", SkillSettings(command=line), Path(sys.argv[1]))
asyncio.run(made.handler({}, Context("p/0")))
"""


async def test_a_worker_that_is_killed_leaves_no_program_behind(tmp_path):
    text = "trap '' TERM; echo $$ >pids; sleep 100 & echo $! >>pids; sleep 100 & echo $! >>pids; wait; wait; wait"
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", WORKER, str(tmp_path), text]
    ) as worker:
        await until(lambda: len(pids(tmp_path)) == 3)
        worker.send_signal(signal.SIGKILL)

    await until(lambda: not any(map(exists, pids(tmp_path))))


async def test_a_guard_that_is_killed_takes_its_program_with_it(tmp_path):
    running = asyncio.ensure_future(shell(tmp_path, "echo $PPID >pids; echo $$ >>pids; exec sleep 100")({}, CONTEXT))
    await until(lambda: len(pids(tmp_path)) == 2)
    guard, pid = pids(tmp_path)

    os.kill(guard, signal.SIGKILL)

    with pytest.raises(Retry) as caught:
        await running
    assert caught.value.code == "command_lost"
    await until(lambda: not exists(pid))


async def test_what_a_program_has_started_goes_with_it_when_its_guard_is_killed(tmp_path):
    text = "echo $PPID >guard; " + LEAVES_CHILDREN + "sleep 100"
    running = asyncio.ensure_future(shell(tmp_path, text)({}, CONTEXT))
    await until(lambda: len(pids(tmp_path)) == 3)

    os.kill(int((tmp_path / "guard").read_text()), signal.SIGKILL)

    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(Retry, match="its guard was killed"):
            await running
    assert not any(map(exists, pids(tmp_path)))


async def test_a_guard_that_hangs_is_ended_with_all_below_it(tmp_path, monkeypatch):
    monkeypatch.setattr("warren.skills.program.GUARD_MARGIN_S", 0.2)
    text = "echo $PPID >guard; " + LEAVES_CHILDREN + "sleep 100"
    running = asyncio.ensure_future(shell(tmp_path, text, grace_s=0.1)({}, CONTEXT))
    await until(lambda: len(pids(tmp_path)) == 3)
    guard = int((tmp_path / "guard").read_text())
    os.kill(guard, signal.SIGSTOP)

    running.cancel()

    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not any(map(exists, pids(tmp_path)))
    with pytest.raises(ProcessLookupError):  # not even as a zombie
        os.kill(guard, 0)


async def test_whoever_gives_up_while_a_program_starts_leaves_nothing_behind(tmp_path):
    """At each turn of the loop on the way to the program's first line."""
    for turns in range(1, 40):
        running = asyncio.ensure_future(
            shell(tmp_path, "echo $$ >>pids; " + LEAVES_CHILDREN + "sleep 100")({}, CONTEXT)
        )
        for _ in range(turns):
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert not any(map(exists, pids(tmp_path)))


def test_a_command_needs_a_command(tmp_path):
    with pytest.raises(SkillError, match="has no command"):
        command_skill("c", "t", SkillSettings(), tmp_path)


async def test_many_at_once_do_not_hold_each_other_open(tmp_path):
    started = time.monotonic()
    runs = [shell(tmp_path, f"sleep 0.2; echo '{{{{\"n\": {n}}}}}'")({}, CONTEXT) for n in range(8)]

    outputs = await asyncio.gather(*runs)

    assert [output["n"] for output in outputs] == list(range(8))
    assert time.monotonic() - started < DEADLINE_S
    assert json.dumps(outputs)
