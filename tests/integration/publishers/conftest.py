"""A real cluster, and a publisher's own broker user with the rights of one: what other systems get."""

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import pytest_asyncio

from topology import load_cluster
from topology.permissions import users
from topology.user_definitions import user_definitions
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.users import import_definitions
from warren.testing.cluster import RealCluster
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples" / "publishers"
BUILD_S = 110
RUN_S = 60


@dataclass
class Site:
    """The cluster's administrator URL, and that of the publisher."""

    admin_url: str
    url: str
    publisher: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(amqp_url, management, tmp_path_factory):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost, publisher = f"test-{uuid4().hex}", f"shop-{uuid4().hex[:8]}"
    management.create_vhost(vhost)
    url = in_vhost(amqp_url, vhost)
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(
        HERE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*test*", "__pycache__", "asyncapi")
    )
    password = secrets.token_hex(12)
    async with RealCluster(folder / "cluster.yaml", url) as cluster:
        user = next(each for each in users(load_cluster(HERE / "cluster.yaml"), [publisher]) if each.name == publisher)
        document = user_definitions([user], vhost, {publisher: password}, os.urandom)
        await import_definitions(management.url, url, document)
        await cluster.ready()
        parts = urlsplit(url)
        own = parts._replace(netloc=f"{publisher}:{password}@{parts.hostname}:{parts.port}").geturl()
        yield Site(url, own, publisher)
        assert await cluster.not_alive() == []
    management._call("DELETE", f"/api/users/{publisher}")
    management.delete_vhost(vhost)


@pytest_asyncio.fixture(loop_scope="module")
async def admin(site):
    async with RabbitBroker(site.admin_url, name="admin") as broker:
        yield broker


def needed(*programs, required=True):
    """Skip where a program is missing; in CI that is a failure if CI is to have it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    reason = f"missing on this machine: {', '.join(missing)}"
    if required and os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def built(folder, *command, required=True, environment=None):
    """Run what fetches an example's dependencies; where that cannot be done, skip, or fail in CI if it has to be."""
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode == 0:
        return
    reason = f"{' '.join(command)} failed: {(done.stderr or done.stdout)[-800:]}"
    if required and os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def copied(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    shutil.copytree(
        EXAMPLES / name, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target", "node_modules")
    )
    return folder


@pytest.fixture(scope="session")
def shell():
    needed("amqp-publish", "amqp-consume")
    return [str(EXAMPLES / "shell" / "publish.sh")]


@pytest.fixture(scope="session")
def python():
    pytest.importorskip("pika") if os.environ.get("CI") != "true" else __import__("pika")
    return [sys.executable, str(EXAMPLES / "python" / "publish.py")]


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    needed("node", "npm")
    folder = copied("node", tmp_path_factory)
    built(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    return ["node", str(folder / "publish.js")]


@pytest.fixture(scope="session")
def go(tmp_path_factory):
    needed("go", required=False)
    folder = copied("go", tmp_path_factory)
    built(folder, "go", "build", "-o", "publish", ".", required=False, environment={"GOFLAGS": "-mod=readonly"})
    return [str(folder / "publish")]


@pytest.fixture(scope="session")
def java(tmp_path_factory):
    needed("java", "mvn", required=False)
    folder = copied("java", tmp_path_factory)
    built(folder, "mvn", "-q", "-B", "package", "dependency:copy-dependencies", required=False)
    return ["java", "-cp", f"{folder / 'target' / 'classes'}:{folder / 'target' / 'dependency'}/*", "Publish"]


@pytest.fixture(scope="session")
def asyncapi_specs(tmp_path_factory):
    """The folder of the npm package with AsyncAPI's meta-schemas."""
    needed("npm")
    folder = tmp_path_factory.mktemp("specs")
    shutil.copytree(HERE / "asyncapi", folder, dirs_exist_ok=True)
    built(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    return folder / "node_modules" / "@asyncapi" / "specs"


@dataclass
class Ended:
    """How an example's process ended."""

    code: int
    output: str
    errors: str


@pytest.fixture
def run(site):
    def run(command, playbook, given):
        done = subprocess.run(
            [*command, playbook, given],
            check=False,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            env={**os.environ, "AMQP_URL": site.url},
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run
