"""Passwords stay where they belong: not in logs, not in the process list, not in error messages."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from warren.client import Client

WRONG = "wr0ng-p4ssw0rd-%21x"
"""With a character that a URL escapes, so that both of its forms are searched for."""
FORMS = (WRONG, "wr0ng-p4ssw0rd-!x", quote(WRONG), "p4ssw0rd")
COMMANDS = {
    "director": ["director"],
    "lead": ["teamlead", "--team", "scouts"],
    "worker": ["worker", "--team", "scouts"],
    "submit": ["warren.cli", "submit", "whole", "--set", 'words=["x"]'],
    "status": ["warren.cli", "status"],
    "declare": ["warren.cli", "topology", "declare"],
    "check": ["warren.cli", "topology", "check"],
    "migrate": ["warren.cli", "ledger", "migrate"],
    "wait": ["warren.cli.wait", "--queue", "warren.projects", "--ledger", "--within", "1"],
}


def process_list():
    """What everybody on the machine can see of all processes: their command lines."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it has just ended
            continue
    return lines


async def test_passwords_of_a_running_cluster_are_in_no_log_and_in_no_process_list(house, roles):
    folder, processes = roles
    async with Client(house.url("acme"), name="acme", answer_within_s=90) as client:
        await (await client.submit("whole", input={"words": ["one"]})).result()
        seen = process_list()
    assert sum("-m director" in line for line in seen) >= 1, "the process list does not show our processes"
    log = "".join(file.read_text(errors="replace") for file in folder.glob("*.log"))
    for name in processes:
        assert (
            f'"role": "{"director" if name == "director" else name.partition("-")[0].replace("lead", "teamlead")}"'
            in log
        )
    for user, password in house.passwords.items():
        assert password not in log, user
        assert not any(password in line for line in seen), user


def run(command, tmp_path, **settings):
    """What a command says, on both of its outputs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WARREN_")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={**clean, **settings},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_repeats_a_wrong_password(house, cluster_file, tmp_path, management, name):
    admin = house.admin_url
    address = admin.rpartition("@")[2]
    settings = {
        "WARREN_AMQP_URL": f"amqp://warren-director:{quote(WRONG)}@{address}",
        "WARREN_LEDGER_URL": f"postgresql://warren:{quote(WRONG)}@127.0.0.1:1/warren",
        "WARREN_MANAGEMENT_URL": management.url,
        "WARREN_CLUSTER": str(cluster_file),
        "WARREN_LOG_LEVEL": "debug",
    }
    code, said = run(COMMANDS[name], tmp_path, **settings)
    assert code != 0, said
    assert said.strip()
    assert [form for form in FORMS if form in said] == [], said


@pytest.mark.parametrize("name", ["worker", "submit", "migrate"])
@pytest.mark.parametrize(
    "url",
    [
        f"amqp://user:{WRONG}@127.0.0.1:x/",
        f"http://user:{WRONG}@127.0.0.1/",
        f"user:{WRONG}@127.0.0.1",
        f"amqp://u:{WRONG}@/",
    ],
)
def test_no_command_repeats_a_password_in_a_url_that_cannot_be_used(cluster_file, tmp_path, name, url):
    ledger = url.replace("amqp://", "oracle://").replace("http://", "mysql://")
    settings = {"WARREN_AMQP_URL": url, "WARREN_LEDGER_URL": ledger, "WARREN_CLUSTER": str(cluster_file)}
    code, said = run(COMMANDS[name], tmp_path, WARREN_MANAGEMENT_URL=f"http://u:{WRONG}@127.0.0.1:1", **settings)
    assert code != 0, said
    assert [form for form in FORMS if form in said] == [], said


def test_users_get_their_passwords_from_files_and_keep_them_to_themselves(house, cluster_file, tmp_path, management):
    command = ["warren.cli", "users"]
    folder = tmp_path / "passwords"
    code, said = run([*command, "passwords", str(folder), "-c", str(cluster_file), "-p", "acme"], tmp_path)
    assert code == 0, said
    files = {file.name: file for file in folder.iterdir()}
    assert {"acme", "warren-director", "warren-lead-scouts", "warren-worker-analysts"} <= files.keys()
    assert {file.stat().st_mode & 0o077 for file in files.values()} == {0}
    for file in files.values():
        file.write_text(house.passwords.get(file.name, file.read_text()))
    settings = {"WARREN_AMQP_URL": house.admin_url, "WARREN_MANAGEMENT_URL": management.url}
    apply = [*command, "apply", "--passwords", str(folder), "-c", str(cluster_file), "-p", "acme", "--json"]
    code, said = run(apply, tmp_path, **settings)
    assert code == 0, said
    assert "warren-worker-analysts" in json.loads(said)["users"]
    assert [user for user, password in house.passwords.items() if password in said] == []
    files["warren-worker-scouts"].unlink()
    code, said = run(apply, tmp_path, **settings)
    assert code == 2
    assert "warren-worker-scouts" in said


def test_the_wait_ends_as_soon_as_the_queue_is_there_for_its_user(house, tmp_path):
    for user, queue in (("warren-director", "warren.projects"), ("warren-worker-scouts", "warren.work.scouts.measure")):
        wait = ["warren.cli.wait", "--queue", queue, "--within", "20"]
        code, said = run(wait, tmp_path, WARREN_AMQP_URL=house.url(user))
        assert code == 0, said
    code, said = run(
        [*wait[:1], "--queue", "warren.nothing", "--within", "0.1"], tmp_path, WARREN_AMQP_URL=house.admin_url
    )
    assert code == 3
    assert "warren.nothing" in said
