import json
import os
import re

import pytest

from warren.cli import main
from warren.cli.failing import report
from warren.cli.running import owned
from warren.errors import (
    BrokerUnavailable,
    InvalidInput,
    LedgerUnavailable,
    ProjectFailed,
    SkillError,
    TopologyMismatch,
    Unanswered,
    UnknownProject,
)

ID = "0190a8e0-0000-7000-8000-000000000001"
CLUSTER = "version: 1\nteams: {scouts: {skills: {measure: {}}}}\n"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A folder without a cluster, and no settings from outside."""
    for name in [name for name in os.environ if name.startswith("WARREN_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cluster.yaml").write_text(CLUSTER)


def test_help_tells_every_command_and_the_exit_codes(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for command in ("up", "submit", "status", "result", "cancel", "doctor", "director", "lead", "worker", "topology"):
        assert command in said
    assert "Exit codes: 0 done" in said


@pytest.mark.parametrize(
    "words", [["nonsense"], ["submit"], ["submit", "x", "--priority", "huge"], ["status", "--nope"]]
)
def test_a_command_line_that_cannot_be_used_is_a_usage_error(words, capsys):
    assert main(words) == 2
    assert "Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["submit", "survey"], ["status"], ["result", ID], ["cancel", ID], ["topology", "declare"]]
)
def test_without_a_cluster_every_command_says_how_to_get_one(words, capsys):
    assert main(words) == 3
    err = capsys.readouterr().err
    assert "start one with `warren up`" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["nonsense"], "No such command"),
        (["submit"], "Missing argument"),
        (["submit", "x", "--priority", "huge"], "'--priority'"),
        (["status", "--nope"], "--nope"),
    ],
)
def test_a_script_hears_of_a_usage_error_in_json(words, reason, capsys):
    assert main([*words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["error"]["code"]) == ("", "usage")
    assert reason in json.loads(err)["error"]["message"]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_ledger_in_memory_is_refused_for_no_other_process_could_read_it(url, capsys):
    assert main(["up", "--ledger-url", url]) == 2
    assert "name a file" in capsys.readouterr().err


def test_passwords_that_were_made_are_told_to_scripts(tmp_path, capsys):
    assert main(["users", "passwords", str(tmp_path / "passwords"), "--json"]) == 0
    assert "warren-director" in json.loads(capsys.readouterr().out)["made"]
    assert main(["users", "passwords", str(tmp_path / "passwords"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["made"] == []


def test_users_are_exported_to_scripts(capsys):
    assert main(["users", "export", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["content"]["users"]


def test_errors_are_json_where_json_is_asked_for(capsys):
    assert main(["submit", "survey", "--input", "[", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert (error["code"], "not JSON" in error["message"]) == ("input_invalid", True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProjectFailed("it failed", None), 1),
        (InvalidInput("x", "y"), 2),
        (SkillError("not listed"), 2),
        (BrokerUnavailable("gone"), 3),
        (LedgerUnavailable("gone"), 3),
        (Unanswered("nobody"), 3),
        (TopologyMismatch("differs"), 4),
        (UnknownProject("none"), 5),
        (ExceptionGroup("many", [ExceptionGroup("inner", [UnknownProject("none")])]), 5),
    ],
)
def test_each_known_error_has_its_exit_code(error, code):
    assert report(error, as_json=False) == code


@pytest.mark.parametrize("as_json", [True, False])
def test_no_error_shows_a_password(as_json, capsys):
    report(BrokerUnavailable("nobody at amqp://me:hunter2@h/ and amqp://you:hunter3@h/"), as_json=as_json)
    assert not re.search("hunter", capsys.readouterr().err)


def test_a_broker_that_does_not_answer_is_said_without_its_password(capsys):
    assert (
        main(
            [
                "topology",
                "check",
                "--amqp-url",
                "amqp://me:hunter2@127.0.0.1:1/",
                "--management-url",
                "http://127.0.0.1:1",
            ]
        )
        == 3
    )
    err = capsys.readouterr().err
    assert "does not answer" in err
    assert "hunter2" not in err


@pytest.mark.parametrize("form", ["definitions", "mermaid", "draw"])
def test_a_topology_is_exported_without_a_broker(form, capsys):
    assert main(["topology", "export", "--format", form]) == 0
    assert "warren.work.scouts.measure" in capsys.readouterr().out


def test_a_topology_is_drawn_and_every_form_can_be_json(capsys):
    assert main(["topology", "draw"]) == 0
    drawn = capsys.readouterr().out
    assert main(["topology", "draw", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["content"].strip() == drawn.strip()
    assert main(["topology", "export", "--format", "definitions", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["content"]["queues"]


def test_a_topology_can_be_exported_into_a_file(tmp_path, capsys):
    assert main(["topology", "export", "-f", "definitions", "-o", "definitions.json"]) == 0
    assert json.loads((tmp_path / "definitions.json").read_text())["queues"]
    assert main(["topology", "export", "-o", "no/such/folder/file"]) == 2


def test_a_cluster_file_that_cannot_be_used_is_a_usage_error_with_the_line(tmp_path, capsys):
    (tmp_path / "cluster.yaml").write_text("version: 1\nteams:\n  Scouts: {}\n")
    assert main(["topology", "export"]) == 2
    assert re.search(r"cluster\.yaml:3", capsys.readouterr().err)


def test_check_without_a_management_api_says_which_setting_is_needed(capsys):
    assert main(["topology", "check", "--amqp-url", "amqp://127.0.0.1:1/"]) == 2
    assert "WARREN_MANAGEMENT_URL" in capsys.readouterr().err


def test_a_ledger_is_migrated_and_rebuilt(tmp_path, capsys):
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    assert main(["ledger", "migrate", "--ledger-url", url]) == 0
    assert main(["ledger", "rebuild", "--ledger-url", url, "--json"]) == 0
    assert (tmp_path / "ledger.sqlite3").exists()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["difference_count"] == 0


def test_the_doctor_finds_what_is_wrong_and_says_what_to_do(tmp_path, capsys):
    (tmp_path / "cluster.yaml").write_text("version: 2\n")
    assert main(["doctor", "--json"]) == 5
    findings = {each["what"]: each for each in json.loads(capsys.readouterr().out)}
    assert findings["cluster file"]["level"] == "bad"
    assert findings["cluster file"]["remedy"]
    assert findings["Python"]["level"] == "ok"


def test_the_doctor_says_how_to_get_a_missing_server(monkeypatch, capsys):
    monkeypatch.setattr("warren.broker.rabbit.node.SERVERS", ())
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["doctor"]) == 5
    assert "apt-get install rabbitmq-server" in capsys.readouterr().out


def test_up_with_a_bad_cluster_file_starts_nothing(tmp_path, capsys):
    (tmp_path / "cluster.yaml").write_text("teams: []\n")
    assert main(["up"]) == 2
    assert not (tmp_path / ".warren").exists()


def test_a_second_cluster_on_one_folder_is_one_line(tmp_path, capsys):
    with owned(tmp_path / ".warren"):
        assert main(["up"]) == 2
    err = capsys.readouterr().err
    assert "already up" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("mysql://h/d", 2, "not supported"),
        ("postgresql://me:hunter2@127.0.0.1:1/d", 3, "the ledger at 127.0.0.1:1/d does not answer"),
        ("sqlite:////dev/null/x", 2, "cannot be used"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_said_before_a_broker_is_started(tmp_path, capsys, url, code, words):
    assert main(["up", "--ledger-url", url]) == code
    said = capsys.readouterr()
    assert words in said.err
    assert "RabbitMQ" not in said.out
    assert not (tmp_path / ".warren" / "broker").exists()
