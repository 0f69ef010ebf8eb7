"""The name by which a client is answered."""

import re

import pytest

from topology import parse_cluster
from topology.names import is_token
from topology.permissions import users
from warren.client.client import Client


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("amqp://acme:secret@broker/warren", "acme"),
        ("amqps://acme@broker/", "acme"),
        ("amqp://broker/", "client"),
        ("amqp://A.B@broker/", "client"),
        ("amqp://" + "x" * 23 + "@broker/", "client"),
        ("amqp://[broken/", "client"),
    ],
)
def test_a_made_up_name_begins_with_the_users(url, own):
    name = Client(url)._name
    assert re.fullmatch(rf"{own}--[0-9a-f]{{16}}", name)
    assert is_token(name)


def test_a_publisher_may_hear_what_is_said_to_a_name_made_up_for_it():
    cluster = parse_cluster("{version: 1, teams: {a: }}", "-")
    acme = next(user for user in users(cluster, ["acme"]) if user.name == "acme")
    replies = next(topic for topic in acme.topics if topic.exchange == "warren.replies")
    assert re.search(replies.read, f"reply.{Client('amqp://acme@broker/')._name}")
    assert not re.search(replies.read, f"reply.{Client('amqp://umbrella@broker/')._name}")
