"""Where messages go."""

import pytest

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, Properties
from warren.errors import PublishFailed

CLASSIC = {"x-queue-type": "classic"}

TOPIC_CASES = {
    "task.scouts.measure": ["task.scouts.measure"],
    "task.scouts.*": ["task.scouts.measure", "task.scouts.list", "task.scouts."],
    "task.*.measure": ["task.scouts.measure", "task..measure"],
    "*.*.*": ["task.scouts.measure", "task.scouts.list", "task.scouts.", "task..measure"],
    "*": ["task", "all"],
    "task.#": [
        "task.scouts.measure",
        "task.scouts.list",
        "task.scouts.",
        "task",
        "task..measure",
        "task.a.b.c.measure",
    ],
    "#.measure": ["task.scouts.measure", "task..measure", "task.a.b.c.measure"],
    "task.#.measure": ["task.scouts.measure", "task..measure", "task.a.b.c.measure"],
    "task.*.#.measure": ["task.scouts.measure", "task..measure", "task.a.b.c.measure"],
    "#.scouts.#": ["task.scouts.measure", "task.scouts.list", "task.scouts."],
    "#": [
        "task.scouts.measure",
        "task.scouts.list",
        "task.scouts.",
        "task",
        "all",
        "",
        "task..measure",
        "task.a.b.c.measure",
    ],
    "": [""],
    "TASK": [],
}
KEYS = TOPIC_CASES["#"]


def queues(*names):
    return tuple(Queue(name, CLASSIC) for name in names)


async def drain(broker, take, queue):
    """The routing keys of all that waits in the queue."""
    waiting = (await broker.depth(queue)).messages
    async with broker.subscribe(queue, prefetch=100) as subscription:
        return [delivery.routing_key for delivery in await take(subscription, waiting)]


async def test_topic_bindings_take_exactly_the_keys_that_their_words_match(broker_factory, take):
    names = {pattern: f"q{number}" for number, pattern in enumerate(TOPIC_CASES)}
    async with broker_factory() as broker:
        await broker.declare(
            Topology((Exchange("x"),), queues(*names.values()), tuple(Binding("x", n, p) for p, n in names.items()))
        )
        await broker.publish([Outgoing("x", key, b"") for key in KEYS])
        assert {p: sorted(await drain(broker, take, n)) for p, n in names.items()} == {
            p: sorted(keys) for p, keys in TOPIC_CASES.items()
        }


async def test_a_queue_that_is_bound_twice_over_gets_one_copy(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(
            Topology((Exchange("x"),), queues("q"), (Binding("x", "q", "a.*"), Binding("x", "q", "*.b")))
        )
        await broker.publish([Outgoing("x", "a.b", b"")])
        assert (await broker.depth("q")).messages == 1


async def test_a_fanout_exchange_ignores_the_key(broker_factory):
    async with broker_factory() as broker:
        bindings = (Binding("x", "one", ""), Binding("x", "two", "never.this"))
        await broker.declare(Topology((Exchange("x", "fanout"),), queues("one", "two"), bindings))
        await broker.publish([Outgoing("x", "any.key", b"")])
        assert [(await broker.depth(name)).messages for name in ("one", "two")] == [1, 1]


async def test_the_default_exchange_leads_to_the_queue_that_the_key_names(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Topology(queues=queues("some.queue", "other")))
        await broker.publish([Outgoing("", "some.queue", b"hello")])
        async with broker.subscribe("some.queue", prefetch=1) as subscription:
            (delivery,) = await take(subscription, 1)
        assert (delivery.queue, delivery.exchange, delivery.routing_key) == ("some.queue", "", "some.queue")
        assert (await broker.depth("other")).messages == 0


async def test_exchanges_bound_to_exchanges_pass_on_what_matches(broker_factory, take):
    async with broker_factory() as broker:
        bindings = (
            Binding("first", "second", "0.#", "exchange"),
            Binding("first", "direct", "1.#"),
            Binding("second", "last", "*.0.#", "exchange"),
            Binding("last", "end", "*.*.q"),
        )
        exchanges = tuple(Exchange(name) for name in ("first", "second", "last"))
        await broker.declare(Topology(exchanges, queues("direct", "end"), bindings))
        await broker.publish([Outgoing("first", "0.0.q", b""), Outgoing("first", "1.0.q", b"")])
        async with broker.subscribe("end", prefetch=10) as subscription:
            (delivery,) = await take(subscription, 1)
        assert (delivery.exchange, delivery.routing_key) == ("first", "0.0.q")
        assert (await broker.depth("direct")).messages == 1


async def test_exchanges_bound_in_a_ring_deliver_once(broker_factory):
    async with broker_factory() as broker:
        ring = (Binding("a", "b", "#", "exchange"), Binding("b", "a", "#", "exchange"), Binding("b", "q", "#"))
        await broker.declare(Topology((Exchange("a"), Exchange("b")), queues("q"), ring))
        await broker.publish([Outgoing("a", "k", b"")])
        assert (await broker.depth("q")).messages == 1


async def test_what_no_queue_takes_is_named_by_its_position_and_the_rest_arrives(broker_factory, take):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),), queues("q"), (Binding("x", "q", "good.*"),)))
        batch = [Outgoing("x", f"{'bad' if n in (0, 3, 9) else 'good'}.{n}", str(n).encode()) for n in range(10)]
        with pytest.raises(PublishFailed) as failed:
            await broker.publish(batch)
        assert (failed.value.unroutable, failed.value.refused, failed.value.unconfirmed) == ([0, 3, 9], [], [])
        async with broker.subscribe("q", prefetch=10) as subscription:
            assert [int(d.body) for d in await take(subscription, 7)] == [1, 2, 4, 5, 6, 7, 8]


async def test_the_broker_can_be_used_after_an_unroutable_publish(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),), queues("q"), (Binding("x", "q", "good"),)))
        with pytest.raises(PublishFailed):
            await broker.publish([Outgoing("x", "bad", b"")])
        await broker.publish([Outgoing("x", "good", b"")])
        assert (await broker.depth("q")).messages == 1


async def test_what_is_not_mandatory_may_reach_nobody(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),)))
        await broker.publish([Outgoing("x", "nobody", b"", mandatory=False)])


async def test_two_unroutable_messages_with_one_id_are_both_named(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),), queues("q"), (Binding("x", "q", "good"),)))
        twin = Properties(message_id="twin")
        keys = ("bad", "good", "bad")
        with pytest.raises(PublishFailed) as failed:
            await broker.publish([Outgoing("x", key, b"", twin) for key in keys])
        assert failed.value.unroutable == [0, 2]
        assert (await broker.depth("q")).messages == 1


async def test_publishing_to_an_exchange_that_does_not_exist_fails_and_leaves_the_broker_usable(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology(queues=queues("q")))
        with pytest.raises(PublishFailed) as failed:
            await broker.publish([Outgoing("nowhere", "key", b"")])
        assert failed.value.unroutable + failed.value.refused + failed.value.unconfirmed == [0]
        await broker.publish([Outgoing("", "q", b"")])
        assert (await broker.depth("q")).messages == 1


async def test_an_alternate_exchange_takes_what_nobody_bound(broker_factory, take):
    async with broker_factory() as broker:
        exchanges = (Exchange("lost", "fanout"), Exchange("x", arguments={"alternate-exchange": "lost"}))
        bindings = (Binding("lost", "unroutable", ""), Binding("x", "q", "good"))
        await broker.declare(Topology(exchanges, queues("unroutable", "q"), bindings))
        await broker.publish([Outgoing("x", "bad", b"stray"), Outgoing("x", "good", b"")])
        assert (await broker.depth("unroutable")).messages == 1
        async with broker.subscribe("unroutable", prefetch=10) as subscription:
            (delivery,) = await take(subscription, 1)
        assert (delivery.exchange, delivery.routing_key, delivery.body) == ("x", "bad", b"stray")
        assert (await broker.depth("q")).messages == 1


async def test_an_alternate_exchange_that_leads_nowhere_still_makes_it_an_error(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(
            Topology((Exchange("lost", "fanout"), Exchange("x", arguments={"alternate-exchange": "lost"})))
        )
        with pytest.raises(PublishFailed) as failed:
            await broker.publish([Outgoing("x", "bad", b"")])
        assert failed.value.unroutable == [0]


async def test_bindings_made_later_count_from_then_on(broker_factory):
    async with broker_factory() as broker:
        await broker.declare(Topology((Exchange("x"),), queues("q")))
        with pytest.raises(PublishFailed):
            await broker.publish([Outgoing("x", "k", b"")])
        await broker.declare(Topology(bindings=(Binding("x", "q", "k"),)))
        await broker.publish([Outgoing("x", "k", b"")])
        assert (await broker.depth("q")).messages == 1
