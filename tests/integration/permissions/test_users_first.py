"""Users may be made before anything else is there: on an empty virtual host, and before it is."""

import asyncio
import os
import secrets
import subprocess
import sys
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from topology import build, load_cluster
from topology.permissions import users
from warren.broker.rabbit.broker import RabbitBroker
from warren.broker.rabbit.inspection import inspect
from warren.broker.rabbit.users import import_definitions
from warren.errors import BrokerUnavailable
from warren.testing.services.management import in_vhost


@pytest.fixture
def vhost(management):
    if management is None:
        pytest.skip("the management API of this broker is not known")
    name = f"test-{uuid4().hex}"
    yield name
    management.delete_vhost(name)


@pytest.fixture
def passwords(cluster_file, tmp_path, management):
    """The folder of password files, for users that are gone after the test."""
    known = [user.name for user in users(load_cluster(cluster_file))]
    for name in known:
        (tmp_path / name).write_text(secrets.token_hex(12))
    yield tmp_path
    for name in known:
        management._call("DELETE", f"/api/users/{name}")


async def test_users_come_first_and_the_topology_follows(amqp_url, management, vhost, passwords, cluster_file):
    url = in_vhost(amqp_url, vhost)
    given = {"WARREN_AMQP_URL": url, "WARREN_MANAGEMENT_URL": management.url, "WARREN_CLUSTER": str(cluster_file)}
    command = [sys.executable, "-m", "warren.cli", "users", "apply", "--passwords", str(passwords)]
    done = await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rights = (await inspect(management.url, url)).rights
    assert {user.name for user in users(load_cluster(cluster_file))} <= {name for name, _ in rights}
    operator = urlsplit(url)
    password = (passwords / "warren-operator").read_text()
    own = operator._replace(netloc=f"warren-operator:{password}@{operator.hostname}:{operator.port}").geturl()
    async with RabbitBroker(own) as broker:
        await broker.declare(build(load_cluster(cluster_file)))


async def test_what_the_broker_says_against_users_is_repeated_unless_it_repeats_a_hash(amqp_url, management, vhost):
    management.create_vhost(vhost)
    right = {"user": "guest", "vhost": vhost, "exchange": "warren.nowhere", "write": "^x(", "read": ""}
    url = in_vhost(amqp_url, vhost)
    with pytest.raises(BrokerUnavailable, match=r"status 400: .*(nowhere|regexp|x\()"):
        await import_definitions(management.url, url, {"topic_permissions": [right]})
    user = {"name": "x", "password_hash": "not base64, and secret!", "hashing_algorithm": "unheard-of", "tags": []}
    with pytest.raises(BrokerUnavailable, match="status") as caught:
        await import_definitions(management.url, url, {"users": [user]})
    assert "secret" not in str(caught.value)
