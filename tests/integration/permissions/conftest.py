"""A vhost with the topology and one user for each role and team, all with passwords of their own."""

import asyncio
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from topology import build, load_cluster
from topology.permissions import users
from topology.user_definitions import user_definitions
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.users import import_definitions
from warren.testing.services.management import in_vhost

HERE = Path(__file__).parent
PUBLISHERS = ("acme", "umbrella")
STOP_S = 20


@dataclass
class House:
    """The vhost: its administrator's URL, and that of each user."""

    admin_url: str
    passwords: dict[str, str]

    def url(self, user):
        parts = urlsplit(self.admin_url)
        return parts._replace(netloc=f"{user}:{self.passwords[user]}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture(scope="module")
def cluster_file():
    return HERE / "cluster.yaml"


@pytest.fixture(scope="module")
def house(amqp_url, management, cluster_file):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    url = in_vhost(amqp_url, vhost)
    cluster = load_cluster(cluster_file)
    known = users(cluster, PUBLISHERS)
    passwords = {user.name: f"secret{secrets.token_hex(12)}" for user in known}
    document = user_definitions(known, vhost, passwords, os.urandom)

    async def furnish():
        async with RabbitBroker(url) as broker:
            await broker.declare(build(cluster))
        await import_definitions(management.url, url, document)

    asyncio.run(furnish())
    yield House(url, passwords)
    management.delete_vhost(vhost)
    for user in passwords:
        management._call("DELETE", f"/api/users/{user}")


@contextmanager
def running(folder, cluster_file, ledger_url, urls):
    """Processes by name, each with its command and the URL of its own user; their logs are in `folder`."""
    with ExitStack() as stack:
        processes = {}
        for name, (command, url) in urls.items():
            output = stack.enter_context((folder / f"{name}.log").open("wb"))
            settings = {"WARREN_AMQP_URL": url, "WARREN_CLUSTER": str(cluster_file), "WARREN_TETHER": "stdin"}
            if ledger_url is not None and command[0] != "worker":
                settings["WARREN_LEDGER_URL"] = ledger_url
            processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=folder,
                env={**os.environ, **settings, "WARREN_LOG": "json", "WARREN_LOG_LEVEL": "debug"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield processes
        finally:
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                end(process)


def end(process):
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()


@pytest.fixture(scope="session")
def start():
    """The context manager that runs processes, see `running`."""
    return running


@pytest.fixture(scope="module")
def roles(house, cluster_file, tmp_path_factory):
    """A whole cluster in which every process is its own user; gives the folder of its logs and the processes."""
    folder = tmp_path_factory.mktemp("restricted")
    urls = {"director": (["director"], house.url("warren-director"))}
    for team in ("scouts", "analysts"):
        urls[f"lead-{team}"] = (["teamlead", "--team", team], house.url(f"warren-lead-{team}"))
        urls[f"worker-{team}"] = (["worker", "--team", team], house.url(f"warren-worker-{team}"))
    with running(folder, cluster_file, f"sqlite:///{folder / 'ledger.sqlite3'}", urls) as processes:
        yield folder, processes
