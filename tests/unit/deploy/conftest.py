"""What the deployment files are compared with: the code's own settings, endpoints and limits."""

import re
from pathlib import Path

import pytest

from director.settings import DirectorSettings
from teamlead.settings import TeamLeadSettings
from warren.cli import options
from warren.runtime.process import TEARDOWN_S
from warren.runtime.service import DRAIN_MARGIN_S
from warren.runtime.settings import variable
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[3]
ROLES = {"director": DirectorSettings, "teamlead": TeamLeadSettings, "worker": WorkerSettings}
PINNED = re.compile(r"^[a-z0-9./-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def role_variables():
    """The WARREN_ variables of each role."""
    return {role: {variable(field) for field in model.model_fields} for role, model in ROLES.items()}


@pytest.fixture(scope="session")
def command_variables():
    """The WARREN_ variables that the `warren` command reads."""
    text = "".join(file.read_text() for file in Path(options.__file__).parent.glob("*.py"))
    return set(re.findall(r'"(WARREN_[A-Z_]+)"', text))


@pytest.fixture(scope="session")
def is_pinned():
    return lambda image: PINNED.match(image) is not None


@pytest.fixture(scope="session")
def drain_s():
    """How many seconds a process may take from SIGTERM to its end, with a grace of so many."""
    return lambda grace_s: grace_s + DRAIN_MARGIN_S + TEARDOWN_S
