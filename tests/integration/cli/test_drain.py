"""`warren drain` reaches the worker that is meant, and says so if nobody is there."""

import asyncio
import json

import pytest

from topology import names
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.rabbit.broker import RabbitBroker
from warren.cli.app import run

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "-")


@pytest.fixture
async def broker(amqp_vhost_url):
    async with RabbitBroker(amqp_vhost_url) as broker:
        await broker.declare(build(CLUSTER))
        yield broker


@pytest.mark.parametrize(("whom", "key"), [(["host-1-ab"], "agent.host-1-ab"), (["--team", "scouts"], "team.scouts")])
async def test_a_worker_hears_that_it_is_to_leave_and_why(broker, amqp_vhost_url, capsys, whom, key):
    words = ["drain", *whom, "--reason", "a new image", "--amqp-url", amqp_vhost_url]
    async with asyncio.timeout(30), broker.inbox([(names.CONTROL, key)]) as inbox:
        assert await asyncio.to_thread(run, words) == 0
        [delivery] = await inbox.receive()
    assert json.loads(delivery.body) == {"verb": "drain", "subtree": "", "replay": 0, "reason": "a new image"}
    assert f"{key} was told to leave" in capsys.readouterr().out


async def test_that_nobody_is_there_is_said(broker, amqp_vhost_url, capsys):
    del broker
    assert await asyncio.to_thread(run, ["drain", "nobody", "--amqp-url", amqp_vhost_url]) == 2
    assert "no worker listens to agent.nobody" in capsys.readouterr().err


@pytest.mark.parametrize("whom", [[], ["me", "--team", "scouts"], ["Not a name"], ["--team", "x.y"]])
def test_whom_is_named_once_and_as_names_are(whom, capsys):
    assert run(["drain", *whom, "--amqp-url", "amqp://nowhere/"]) == 2
    assert "name" in capsys.readouterr().err
