"""A project whose tasks RabbitMQ does not take, for its own limit is below that of `cluster.yaml`."""

import asyncio
import os

from director.director import Director
from teamlead.teamlead import TeamLead
from topology.build import build
from topology.cluster import parse_cluster
from warren.broker.rabbit.broker import RabbitBroker
from warren.client import Client
from warren.clock import SystemClock
from warren.ledger.ledger import open_ledger, sqlite_url
from warren.patterns.playbook import Playbooks

CLUSTER = parse_cluster("version: 1\nteams: {scouts: {skills: {work: {}}}}\n", "cluster.yaml")
LARGE = f"join('', [{', '.join(['item'] * 10)}])"
PLAN = {
    "kind": "delegate",
    "team": "scouts",
    "plan": {
        "kind": "map",
        "items": "input.items",
        "do": {"kind": "call", "skill": "work", "input": {"text": LARGE}},
        "tolerate": "all",
    },
}


async def test_tasks_that_rabbitmq_does_not_take_fail_and_their_project_ends(private_node, tmp_path):
    clock, books = SystemClock(), Playbooks([], {"scouts": frozenset({"work"})}, CLUSTER.limits)
    async with (
        asyncio.timeout(60),
        private_node() as node,
        RabbitBroker(node.amqp_url) as broker,
        open_ledger(sqlite_url(tmp_path / "ledger.sqlite")) as ledger,
        asyncio.TaskGroup() as group,
    ):
        await node.ctl("eval", "application:set_env(rabbit, max_message_size, 100000).")
        await broker.declare(build(CLUSTER))
        roles = (
            Director(broker, ledger, clock, CLUSTER, books, os.urandom),
            TeamLead(broker, ledger, clock, CLUSTER, "scouts"),
        )
        running = [group.create_task(role.run()) for role in roles]
        async with Client(node.amqp_url) as client:
            handle = await client.submit(plan=PLAN, input={"items": ["x" * 20_000, "y" * 20_000]})
            output = await handle.result()
        for each in running:
            each.cancel()
    assert [(each["code"], each["task"]) for each in output["failed"]] == [
        ("broker_refuses", f"{handle.id}/0/0/{index}") for index in range(2)
    ]
    assert "larger than configured max size 100000" in output["failed"][0]["message"]
