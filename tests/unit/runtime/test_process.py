import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

SLEEPER = [sys.executable, str(Path(__file__).with_name("sleeper.py"))]


@contextmanager
def running(do="sleep", *flags, **environment):
    """A service as a process; its log is text lines of JSON on standard error."""
    process = subprocess.Popen(
        [*SLEEPER, *flags],
        env={**os.environ, "WARREN_AMQP_URL": "amqp://nowhere/", "DO": do, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process):
    return json.loads(process.stderr.readline())


def test_that_no_broker_is_named_is_said():
    with running("end", WARREN_AMQP_URL="") as process:
        _, _, err = finish(process)
    assert "no broker is named in WARREN_AMQP_URL" in err


def test_what_was_loaded_before_the_work_began_is_no_work_for_the_collector():
    with running("count") as process:
        _, out, _ = finish(process)
    assert "set aside" in out


def finish(process):
    out, err = process.communicate(timeout=30)
    return process.returncode, out.split("\n"), err


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_start_up_line_says_who_and_where_and_no_password():
    with running("sleep", "--amqp-url", "amqp://me:hunter2@nowhere/") as process:
        line = first_line(process)
        assert line["message"] == "sleeper is ready"
        assert (line["pid"], line["role"]) == (process.pid, "sleeper")
        assert line["broker"] == "amqp://me:***@nowhere/"
        assert line["health"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_cleanly(number):
    with running() as process:
        first_line(process)
        process.send_signal(number)
        code, said, _ = finish(process)
    assert code == 0
    assert said[:3] == ["draining within 25 s", "drained", "closed"]


def test_a_thread_that_never_ends_does_not_keep_the_process():
    with running("hold a thread", "--grace-s", "0") as process:
        assert process.stdout.readline() == "held\n"
        process.terminate()
        code, said, err = finish(process)
    assert (code, said[:3]) == (0, ["draining within 0 s", "drained", "closed"])
    assert "without waiting any longer for a handler" in err


def test_a_second_signal_stops_at_once():
    with running("slow", "--grace-s", "3600") as process:
        first_line(process)
        process.terminate()
        assert process.stdout.readline() == "draining within 3600 s\n"
        process.terminate()
        code, said, _ = finish(process)
    assert (code, said[:1]) == (1, ["closed"])


def test_a_third_signal_kills_a_process_that_does_not_stop():
    with running("deaf") as process:
        first_line(process)
        process.terminate()
        while process.stdout.readline() != "deaf\n":
            pass
        process.terminate()
        assert process.stdout.readline() == "deaf\n"
        process.terminate()
        assert finish(process)[0] == -signal.SIGTERM


def test_a_signal_while_it_starts_ends_it():
    with running("never ready") as process:
        assert process.stdout.readline() == "waiting\n"
        process.terminate()
        code, said, _ = finish(process)
    assert (code, said) == (0, [""])


@pytest.mark.parametrize(("do", "code"), [("fail", 3), ("crash", 1), ("end", 0)])
def test_the_exit_code_says_how_it_ended(do, code):
    with running(do) as process:
        assert finish(process)[0] == code


def test_a_known_error_is_one_line_without_a_password():
    with running("fail", "--log", "text") as process:
        _, _, err = finish(process)
    assert "sleeper failed: no broker at amqp://me:***@nowhere/" in err
    assert "Traceback" not in err
    assert "hunter2" not in err


def test_an_unforeseen_error_has_its_traceback_without_a_password():
    with running("crash") as process:
        _, _, err = finish(process)
    assert "RuntimeError: bang amqp://me:***@nowhere/" in json.loads(err.splitlines()[1])["exception"]
    assert "hunter2" not in err


def test_a_setting_that_cannot_be_used_is_named_with_its_flag_and_its_variable():
    with running("sleep", WARREN_HEALTH_PORT="http") as process:
        code, _, err = finish(process)
    assert code == 2
    assert "--health-port or WARREN_HEALTH_PORT cannot be used" in err
    assert "Traceback" not in err


def test_a_flag_that_does_not_exist_is_a_usage_error():
    with running("sleep", "--nonsense") as process:
        code, _, err = finish(process)
    assert (code, "--nonsense" in err) == (2, True)


def test_a_port_that_is_taken_is_said_with_the_remedy():
    with running() as first:
        port = first_line(first)["health"].rpartition(":")[2]
        with running("sleep", "--health-port", port) as second:
            code, _, err = finish(second)
    assert (code, "WARREN_HEALTH_PORT" in err) == (2, True)


def test_a_misspelt_variable_is_warned_of():
    with running("end", WARREN_AMPQ_URL="amqp://nowhere") as process:
        _, _, err = finish(process)
    assert "WARREN_AMPQ_URL is set but not read; did you mean WARREN_AMQP_URL?" in err


def test_health_says_alive_and_ready():
    with running() as process:
        url = first_line(process)["health"]
        assert [get(f"{url}/{path}")[0] for path in ("livez", "readyz", "startupz")] == [200, 200, 200]
        assert get(f"{url}/readyz")[1]["waiting_for"] == {}


def test_health_says_in_words_what_start_up_waits_for():
    with running("never ready", "--health-port", str(free_port())) as process:
        process.stdout.readline()
        url = f"http://127.0.0.1:{process.args[-1]}"
        assert get(f"{url}/livez")[0] == 200
        code, body = get(f"{url}/startupz")
        assert (code, body["waiting_for"]["broker"]) == (503, "a connection to amqp://nowhere")
        assert get(f"{url}/readyz")[0] == 503


def test_health_can_be_off():
    with running("sleep", "--health-port", "off") as process:
        assert first_line(process)["health"] == "off"


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
