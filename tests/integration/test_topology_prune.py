"""`warren topology prune` on the real broker: what left the cluster file leaves the broker, if it is empty."""

import pytest

from topology import build, parse_cluster
from warren.broker.port import Outgoing
from warren.broker.rabbit.broker import RabbitBroker
from warren.cli.pruning import prune
from warren.cli.topology import drift

BEFORE = "version: 1\nteams: {a: {skills: {stays: {}, goes: {}}}, b: {skills: {went: {}}}}\n"
AFTER = "version: 1\nteams: {a: {skills: {stays: {}}}}\n"


@pytest.fixture
async def broker(amqp_vhost_url):
    async with RabbitBroker(amqp_vhost_url) as broker:
        await broker.declare(build(parse_cluster(BEFORE, "-")))
        yield broker


async def test_what_is_left_over_goes_and_all_else_stays(broker, amqp_vhost_url, management):
    after = parse_cluster(AFTER, "-")
    place = amqp_vhost_url, management.url
    planned = await prune(after, *place, really=False)
    assert "queue warren.work.a.goes" in planned.gone
    assert "binding of queue warren.lead.a.results to exchange warren.dead with key 'work.a.goes'" in planned.gone
    assert not any("stays" in words for words in planned.gone)
    assert (await prune(after, *place, really=True)).gone == planned.gone
    assert await drift(after, *place) == []
    assert (await prune(after, *place, really=True)).gone == []


async def test_a_queue_that_holds_messages_is_kept_with_all_that_leads_away_from_it(broker, amqp_vhost_url, management):
    after = parse_cluster(AFTER, "-")
    await broker.publish([Outgoing("", "warren.work.a.goes", b"{}")])
    pruned = await prune(after, amqp_vhost_url, management.url, really=True)
    assert "queue warren.work.b.went" in pruned.gone
    assert pruned.kept[0] == "queue warren.work.a.goes has 1 message and 0 consumers"
    assert any("warren.dead with key 'work.a.goes', until" in words for words in pruned.kept)
    assert (await broker.depth("warren.work.a.goes")).messages == 1
