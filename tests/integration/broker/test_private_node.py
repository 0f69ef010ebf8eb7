"""A node of one's own comes up, keeps its data, and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from topology.declaration import Queue, Topology
from warren.broker.port import Outgoing
from warren.broker.rabbit import PrivateNode, RabbitBroker, fetch_definitions
from warren.broker.rabbit import node as node_module
from warren.errors import BrokerUnavailable

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("server")]
Q = Topology(queues=(Queue("q", {"x-queue-type": "classic"}),))


def is_alive(pid):
    """Zombies that somebody else has still to collect do not count."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def family(pids):
    """Those processes and all below them."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = set(pids)
    while more := {pid for pid, parent in pairs if parent in found} - found:
        found |= more
    return found


@pytest.mark.endurance
async def test_data_ports_and_password_outlive_a_restart(tmp_path, wait_until):
    node = PrivateNode(tmp_path / "node")
    async with node:
        url, management_url, everybody = node.amqp_url, node.management_url, family(node.pids)
        async with RabbitBroker(url) as broker:
            await broker.declare(Q)
            await broker.publish([Outgoing("", "q", b"kept")])
    await wait_until(lambda: not any(map(is_alive, everybody)))
    async with PrivateNode(tmp_path / "node", fast=True) as node:
        assert (node.amqp_url, node.management_url) == (url, management_url)
        async with RabbitBroker(node.amqp_url) as broker:
            assert (await broker.depth("q")).messages == 1
        definitions = await fetch_definitions(node.management_url, node.amqp_url)
        assert [queue["name"] for queue in definitions["queues"]] == ["q"]
        with pytest.raises(BrokerUnavailable, match="in use by another private node"):
            await PrivateNode(tmp_path / "node").start()
        everybody = family(node.pids)
    await wait_until(lambda: not any(map(is_alive, everybody)))
    assert (tmp_path / "node" / "rabbitmq.conf").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "node" / "node.json").stat().st_mode & 0o777 == 0o600


def owner_of(folder):
    """A process that runs a node there."""
    command = [sys.executable, "-m", "warren.broker.rabbit", "--data", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.endurance
async def test_a_node_whose_owner_is_killed_ends_and_its_folder_can_be_used_again(tmp_path, wait_until):
    with owner_of(tmp_path / "node") as owner:
        url = await asyncio.to_thread(owner.stdout.readline)
        everybody = family([owner.pid])
        assert len(everybody) >= 4
        owner.kill()
    async with PrivateNode(tmp_path / "node", fast=True) as node:
        assert node.amqp_url == url.strip()
        assert not any(map(is_alive, everybody))


async def test_the_command_stops_its_node_on_sigterm(tmp_path):
    with owner_of(tmp_path / "node") as owner:
        await asyncio.to_thread(owner.stdout.readline)
        everybody = family([owner.pid])
        owner.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(owner.wait, 40) == 0
    assert not any(map(is_alive, everybody))


async def test_a_node_that_does_not_come_up_shows_its_last_words_and_leaves_nothing(tmp_path):
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "advanced.config").write_text("this is no Erlang term")
    node = PrivateNode(tmp_path / "node")
    (tmp_path / "node" / "log").mkdir()
    (tmp_path / "node" / "log" / "rabbit.log").write_text("what an earlier run said\n")
    with pytest.raises(BrokerUnavailable, match=r"(?s)ended with exit code .*advanced_config") as caught:
        await node.start()
    assert "an earlier run" not in str(caught.value)
    assert node.pids == []


async def test_a_node_that_is_too_slow_is_ended(tmp_path, wait_until):
    node = PrivateNode(tmp_path / "node", start_timeout_s=0.3)
    with pytest.raises(BrokerUnavailable, match="took no connection within"):
        await node.start()
    pids = node._folder.recorded().values()
    await wait_until(lambda: not any(map(is_alive, pids)))


async def test_a_cancelled_start_leaves_nothing(tmp_path, wait_until):
    node = PrivateNode(tmp_path / "node")
    starting = asyncio.ensure_future(node.start())
    await wait_until(lambda: node.pids)
    pids = node.pids
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await wait_until(lambda: not any(map(is_alive, pids)))


async def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=rf"port {port} of 127\.0\.0\.1 is taken"):
            await PrivateNode(tmp_path / "node", port=port).start()


async def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerUnavailable, match=r"the data folder .*file/node cannot be used: Not a directory"):
        await PrivateNode(tmp_path / "file" / "node").start()


async def test_a_folder_whose_identity_is_broken_is_not_silently_started_afresh(tmp_path):
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "node.json").write_text("{")
    with pytest.raises(BrokerUnavailable, match=r"node\.json cannot be read"):
        await PrivateNode(tmp_path / "node").start()


async def test_a_machine_without_a_server_is_told_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(node_module, "SERVERS", ())
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(BrokerUnavailable, match="apt-get install rabbitmq-server"):
        await PrivateNode(tmp_path / "node").start()
    assert not (tmp_path / "node").exists()


async def test_the_management_api_answers_what_is_wrong(tmp_path):
    async with PrivateNode(tmp_path / "node", fast=True) as node:
        with pytest.raises(BrokerUnavailable, match="there is no vhost 'nope'"):
            await fetch_definitions(node.management_url, node.amqp_url + "/nope")
        with pytest.raises(BrokerUnavailable, match="name or password is wrong"):
            await fetch_definitions(node.management_url, "amqp://warren:wrong@127.0.0.1/")
        with pytest.raises(BrokerUnavailable, match="does not answer"):
            await fetch_definitions("http://127.0.0.1:1", node.amqp_url)
