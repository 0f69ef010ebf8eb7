"""The lock files say what pyproject.toml asks for. `make lock` brings them up to date."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {"requirements.lock": "dev", "benchmarks/requirements.lock": "bench"}

pytestmark = pytest.mark.golden


def locked_versions(file):
    """The versions of each package; several where they differ by platform or Python."""
    versions = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / file).read_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def requirements_of(pyproject, group):
    for entry in pyproject["dependency-groups"][group]:
        if isinstance(entry, dict):
            yield from requirements_of(pyproject, entry["include-group"])
        else:
            yield Requirement(entry)


def wanted(group):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    direct = [*pyproject["build-system"]["requires"], *pyproject["project"]["dependencies"]]
    return [*map(Requirement, direct), *requirements_of(pyproject, group)]


@pytest.mark.parametrize(("file", "group"), LOCKS.items())
def test_every_requirement_of_the_project_is_locked_to_a_version_that_satisfies_it(file, group):
    locked = locked_versions(file)
    unsatisfied = [
        str(requirement)
        for requirement in wanted(group)
        if not any(map(requirement.specifier.contains, locked.get(canonicalize_name(requirement.name), [])))
    ]
    assert unsatisfied == [], f"{file} is out of date; run: make lock"


@pytest.mark.parametrize("file", LOCKS)
def test_every_locked_version_has_a_hash(file):
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / file).read_text())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("file", LOCKS)
def test_the_lock_names_no_host(file):
    assert "://" not in (ROOT / file).read_text()
