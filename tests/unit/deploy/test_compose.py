"""docker-compose.yml: complete, in order, pinned, without a secret in it."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from topology import load_cluster
from topology.permissions import users

REQUIRED = re.compile(r"\$\{([A-Z_]+):\?")
ONE_SHOT = {"setup"}


@pytest.fixture(scope="module")
def text(root):
    return (root / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def compose(text):
    return yaml.safe_load(text)


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.fixture(scope="module")
def example(root):
    lines = (root / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def cluster(root):
    return load_cluster(root / "examples/survey/cluster.yaml")


def environment(service):
    return {name: value for name, value in service.get("environment", {}).items() if name != "<<"}


def roles(services):
    return {
        name: each
        for name, each in services.items()
        if each.get("command", [""])[0] in {"director", "teamlead", "worker"}
    }


def test_every_team_of_the_survey_has_a_lead_and_workers(services, cluster):
    found = {(each["command"][0], each["environment"].get("WARREN_TEAM")) for each in roles(services).values()}
    wanted = {(role, team) for role in ("teamlead", "worker") for team in cluster.teams}
    assert found == {("director", None), *wanted}


def test_every_setting_is_one_that_the_role_reads(services, role_variables):
    for name, service in roles(services).items():
        given = {variable for variable in environment(service) if variable.startswith("WARREN_")}
        assert given <= role_variables[service["command"][0]], name


def test_every_setting_of_the_other_commands_is_one_that_they_read(services, role_variables, command_variables):
    known = command_variables.union(*role_variables.values())
    for name in ("setup", "client"):
        assert {each for each in environment(services[name]) if each.startswith("WARREN_")} <= known


def test_each_process_is_its_own_user_of_the_broker(services, cluster):
    named = {"director": "warren-director", "teamlead": "warren-lead", "worker": "warren-worker"}
    for service in roles(services).values():
        role, team = service["command"][0], service["environment"].get("WARREN_TEAM")
        user = named[role] if team is None else f"{named[role]}-{team}"
        assert service["environment"]["WARREN_AMQP_URL"].startswith(f"amqp://{user}:${{")


def test_workers_do_not_know_the_ledger(services):
    for service in roles(services).values():
        knows = "WARREN_LEDGER_URL" in service["environment"]
        assert knows == (service["command"][0] != "worker")


def test_the_setup_has_a_password_for_each_user(compose, services, cluster):
    wanted = {user.name for user in users(cluster, ["client"])}
    assert set(services["setup"]["secrets"]) == wanted == set(compose["secrets"])
    assert all(set(secret) == {"environment"} for secret in compose["secrets"].values())
    for user, secret in compose["secrets"].items():
        urls = [
            each["environment"]["WARREN_AMQP_URL"]
            for each in services.values()
            if "WARREN_AMQP_URL" in each.get("environment", {})
        ]
        for url in urls:
            if f"//{user}:" in url:
                assert f"${{{secret['environment']}:?" in url


def test_no_secret_is_in_the_file(text, example):
    passwords = re.findall(r"(?:_PASS(?:WORD)?: |://[\w-]+:)([^\d\s@][^@\n]*)(?:@|$)", text, re.MULTILINE)
    assert len(passwords) == text.count(":?")
    for found in passwords:
        assert REQUIRED.match(found), found
    assert set(example.values()) == {""}


def test_every_password_must_be_given_and_the_example_names_them_all(text, compose, example):
    asked = set(REQUIRED.findall(text)) | {secret["environment"] for secret in compose["secrets"].values()}
    assert asked == example.keys()
    assert "${" not in REQUIRED.sub("", text), "a variable without :? would silently be empty"


def test_everything_starts_in_order(services):
    conditions = {
        (name, on): condition["condition"]
        for name, service in services.items()
        for on, condition in service.get("depends_on", {}).items()
    }
    assert conditions[("setup", "rabbitmq")] == conditions[("setup", "postgres")] == "service_healthy"
    for name in [*roles(services), "client"]:
        assert conditions[(name, "setup")] == "service_completed_successfully"
    for on in {on for (_, on), condition in conditions.items() if condition == "service_healthy"}:
        assert "healthcheck" in services[on]


def test_images_are_pinned(services, is_pinned):
    for name, service in services.items():
        assert is_pinned(service["image"]), name


def test_our_containers_have_no_more_rights_than_they_need(services):
    for name, service in services.items():
        if service["image"].startswith("warren"):
            assert service["read_only"], name
            assert service["user"] == "10001:10001"
            assert service["cap_drop"] == ["ALL"]
            assert "privileged" not in service


def test_nothing_listens_on_more_than_this_machine(services):
    for service in services.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_a_drain_fits_into_the_time_to_stop(services, drain_s):
    for service in roles(services).values():
        assert service["stop_grace_period"].endswith("s")
        assert int(service["stop_grace_period"][:-1]) >= drain_s(float(environment_of(service)["WARREN_GRACE_S"]))


def environment_of(service):
    return service["environment"]


def composer():
    """A compose that can read the file: the plugin, or the program of before."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return None


@pytest.fixture(scope="module")
def compose_command():
    if (command := composer()) is None:
        pytest.skip("no docker compose on this machine")
    return command


def test_compose_itself_understands_it(root, tmp_path, compose_command, example):
    filled = tmp_path / "filled.env"
    filled.write_text("".join(f"{name}=x{name.lower()}\n" for name in example))
    command = [
        *compose_command,
        "--file",
        str(root / "docker-compose.yml"),
        "--env-file",
        str(filled),
        "config",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_compose_refuses_a_missing_password(root, compose_command):
    clean = {"PATH": os.environ["PATH"]}
    command = [
        *compose_command,
        "--file",
        str(root / "docker-compose.yml"),
        "--env-file",
        "/dev/null",
        "config",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode != 0
    assert "set it in .env" in done.stderr
