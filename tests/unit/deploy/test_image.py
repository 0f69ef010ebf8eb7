"""The Dockerfile: what can be told without building it."""

import re
import tomllib

import pytest

COMMANDS = {"warren", "director", "teamlead", "worker"}


@pytest.fixture(scope="module")
def dockerfile(root):
    return (root / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def stages(dockerfile):
    """The instructions of each stage, by its name; the last one is what `docker build .` gives."""
    found = {}
    for part in re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        found[head.partition(" AS ")[2] or "final"] = (head, body)
    return found


def test_the_base_is_pinned_by_its_version(dockerfile):
    base = re.search(r"^ARG PYTHON=(\S+)$", dockerfile, re.MULTILINE)
    assert base is not None
    assert re.fullmatch(r"\d+\.\d+\.\d+-slim-[a-z]+", base[1])


def test_what_is_built_last_is_the_runtime_alone(stages):
    assert list(stages)[-1] == "final"
    assert stages["final"] == ("runtime", "")


def test_no_tool_of_the_build_is_in_the_final_image(stages):
    _, body = stages["runtime"]
    assert not re.search(r"apt-get|pip|gcc|binutils|strip", body)
    assert re.findall(r"^COPY --from=(\S+) (\S+)", body, re.MULTILINE) == [("build", "/opt/warren")]


def test_it_runs_as_nobody_in_particular(stages):
    assert re.findall(r"^USER (.+)$", stages["runtime"][1], re.MULTILINE) == ["10001:10001"]
    assert not any("USER" in body for name, (_, body) in stages.items() if name != "runtime")


def test_commands_are_in_exec_form_so_that_the_role_gets_the_signals(dockerfile, stages):
    commands = re.findall(r"^(?:CMD|ENTRYPOINT) (.+)$", dockerfile, re.MULTILINE)
    assert commands
    assert all(command.startswith("[") for command in commands)
    assert "STOPSIGNAL SIGTERM" in stages["runtime"][1]


def test_the_commands_of_the_image_are_installed_by_the_project(root):
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts.keys() >= COMMANDS


def test_the_settings_of_the_image_are_ones_that_every_role_reads(dockerfile, role_variables):
    named = set(re.findall(r"(WARREN_[A-Z_]+)=", dockerfile))
    assert named
    for variables in role_variables.values():
        assert named <= variables


def test_every_package_of_the_wheel_is_copied_and_let_through(root, stages):
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    copied = set(re.findall(r"^COPY (\w+) \1$", stages["build"][1], re.MULTILINE))
    assert copied == set(wheel)
    passed = (root / ".dockerignore").read_text()
    for package in wheel:
        assert f"!{package}/" in passed


def test_nothing_secret_reaches_the_builder(root):
    lines = [line for line in (root / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*", "only what is named may pass"
    assert not any(".env" in line or ".git" in line or "tests" in line for line in lines)
