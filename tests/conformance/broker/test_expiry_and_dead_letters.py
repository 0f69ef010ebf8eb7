"""Messages that run out of time, of room or of patience."""

from itertools import pairwise

from topology.declaration import Binding, Exchange, Queue, Topology
from warren.broker.port import Outgoing, Properties, Verdict


def with_dead_letters(**arguments):
    """A queue `q` with these arguments, whose dead letters end in `dead`; `_` stands for `-` in their names."""
    own = {"x-queue-type": "classic", "x-dead-letter-exchange": "dlx"}
    own |= {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    return Topology(
        (Exchange("x"), Exchange("dlx")),
        (Queue("q", own), Queue("dead", {"x-queue-type": "classic"})),
        (Binding("x", "q", "#"), Binding("dlx", "dead", "#")),
    )


async def receive_dead(broker, take, comes_to_hold, count=1):
    await comes_to_hold(broker, "dead", count)
    async with broker.subscribe("dead", prefetch=100) as subscription:
        return await take(subscription, count)


async def test_a_rejected_message_carries_its_death_in_its_headers(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters())
        properties = Properties(type="t", message_id="7", correlation_id="c", priority=6, headers={"mine": 1})
        await broker.publish([Outgoing("x", "some.key", b"body", properties)])
        async with broker.subscribe("q", prefetch=1) as subscription:
            await subscription.settle([(d, Verdict.REJECT) for d in await take(subscription, 1)])
            (dead,) = await receive_dead(broker, take, comes_to_hold)
    (death,) = dead.properties.headers["x-death"]
    assert {name: death[name] for name in ("count", "reason", "queue", "exchange", "routing-keys")} == {
        "count": 1,
        "reason": "rejected",
        "queue": "q",
        "exchange": "x",
        "routing-keys": ["some.key"],
    }
    assert "time" in death
    headers = dead.properties.headers
    assert (headers["x-first-death-reason"], headers["x-first-death-queue"]) == ("rejected", "q")
    assert headers["x-first-death-exchange"] == "x"
    assert headers["mine"] == 1
    # whether it says that it was delivered before depends on the version: from 4.3 it does
    assert (dead.exchange, dead.routing_key, dead.body) == ("dlx", "some.key", b"body")
    kept = dead.properties
    assert (kept.type, kept.message_id, kept.correlation_id, kept.priority) == ("t", "7", "c", 6)


async def test_a_dead_letter_gets_the_key_that_its_queue_gives(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters(message_ttl=1, dead_letter_routing_key="dead.q"))
        await broker.publish([Outgoing("x", "some.key", b"")])
        (dead,) = await receive_dead(broker, take, comes_to_hold)
    assert (dead.exchange, dead.routing_key) == ("dlx", "dead.q")
    assert dead.properties.headers["x-death"][0]["routing-keys"] == ["some.key"]


async def test_a_queue_lets_messages_go_when_its_ttl_is_over_and_not_before(broker_factory, take, time, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters(message_ttl=1_500))
        await broker.publish([Outgoing("x", "k", b"1"), Outgoing("x", "k", b"2")])
        await time.pass_(500)
        assert (await broker.depth("q")).messages == 2
        assert (await broker.depth("dead")).messages == 0
        dead = await receive_dead(broker, take, comes_to_hold, 2)
    assert [d.body for d in dead] == [b"1", b"2"]
    assert dead[0].properties.headers["x-death"][0]["reason"] == "expired"


async def test_a_message_with_its_own_ttl_loses_it_when_it_dies(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters())
        await broker.publish([Outgoing("x", "k", b"", Properties(expiration_ms=100))])
        (dead,) = await receive_dead(broker, take, comes_to_hold)
    assert dead.properties.expiration_ms is None
    death = dead.properties.headers["x-death"][0]
    assert (death["reason"], death["original-expiration"]) == ("expired", "100")


async def test_of_two_ttls_the_lower_wins(broker_factory, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters(message_ttl=200))
        await broker.publish([Outgoing("x", "k", b"", Properties(expiration_ms=3_600_000))])
        await comes_to_hold(broker, "dead", 1)


async def test_an_expired_message_waits_behind_a_head_that_lives_but_is_not_delivered(
    broker_factory, take, time, comes_to_hold
):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters())
        short, long = Properties(expiration_ms=100), Properties(expiration_ms=60_000)
        await broker.publish([Outgoing("x", "k", b"long", long), Outgoing("x", "k", b"short", short)])
        await time.pass_(600)
        assert (await broker.depth("q")).messages == 2
        async with broker.subscribe("q", prefetch=1) as subscription:
            assert [d.body for d in await take(subscription, 1)] == [b"long"]
            (dead,) = await receive_dead(broker, take, comes_to_hold)
        assert dead.body == b"short"


async def test_what_expired_behind_the_head_is_not_delivered_to_one_who_could_take_both(
    broker_factory, take, time, comes_to_hold
):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters())
        short, long = Properties(expiration_ms=100), Properties(expiration_ms=60_000)
        batch = [Outgoing("x", "k", body, ttl) for body, ttl in ((b"1", long), (b"2", short), (b"3", long))]
        await broker.publish(batch)
        await time.pass_(600)
        async with broker.subscribe("q", prefetch=10) as subscription:
            assert [d.body for d in await take(subscription, 2)] == [b"1", b"3"]
            (dead,) = await receive_dead(broker, take, comes_to_hold)
        assert dead.body == b"2"


async def test_a_message_that_a_consumer_holds_does_not_expire(broker_factory, take, time, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters(message_ttl=300))
        async with broker.subscribe("q", prefetch=1) as subscription:
            await broker.publish([Outgoing("x", "k", b"")])
            held = await take(subscription, 1)
            await time.pass_(600)
            assert (await broker.depth("dead")).messages == 0
            await subscription.settle([(held[0], Verdict.ACK)])
        await comes_to_hold(broker, "q", 0)
        assert (await broker.depth("dead")).messages == 0


async def test_an_expired_message_without_a_dead_letter_exchange_is_gone(broker_factory, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(Topology(queues=(Queue("q", {"x-queue-type": "classic", "x-message-ttl": 100}),)))
        await broker.publish([Outgoing("", "q", b"")])
        await comes_to_hold(broker, "q", 0)


async def test_what_drops_out_of_a_full_queue_is_dead_lettered(broker_factory, take, comes_to_hold):
    async with broker_factory() as broker:
        await broker.declare(with_dead_letters(max_length=2))
        await broker.publish([Outgoing("x", "k", str(n).encode()) for n in range(5)])
        dead = await receive_dead(broker, take, comes_to_hold, 3)
        assert (await broker.depth("q")).messages == 2
    assert [(d.body, d.properties.headers["x-death"][0]["reason"]) for d in dead] == [
        (b"0", "maxlen"),
        (b"1", "maxlen"),
        (b"2", "maxlen"),
    ]


async def test_a_second_death_in_the_same_way_is_counted(broker_factory, take, time):
    async with broker_factory() as broker:
        topology = with_dead_letters(dead_letter_exchange="wait")
        wait = Queue("wait", {"x-queue-type": "classic", "x-message-ttl": 50, "x-dead-letter-exchange": "x"})
        await broker.declare(
            Topology(
                (*topology.exchanges, Exchange("wait", "fanout")),
                (*topology.queues, wait),
                (*topology.bindings, Binding("wait", "wait", "")),
            )
        )
        await broker.publish([Outgoing("x", "k", b"")])
        async with broker.subscribe("q", prefetch=1) as subscription:
            for _ in range(2):
                await subscription.settle([(d, Verdict.REJECT) for d in await take(subscription, 1)])
                await time.pass_(100)
            (delivery,) = await take(subscription, 1)
    history = delivery.properties.headers["x-death"]
    assert [(death["queue"], death["reason"], death["count"]) for death in history] == [
        ("wait", "expired", 2),
        ("q", "rejected", 2),
    ]


async def test_a_message_that_expires_in_a_circle_is_dropped(broker_factory, time):
    async with broker_factory() as broker:
        circle = tuple(
            Queue(
                here,
                {
                    "x-queue-type": "classic",
                    "x-message-ttl": 50,
                    "x-dead-letter-exchange": "",
                    "x-dead-letter-routing-key": there,
                },
            )
            for here, there in (("a", "b"), ("b", "a"))
        )
        await broker.declare(Topology(queues=circle))
        await broker.publish([Outgoing("", "a", b"")])

        async def is_gone():
            return (await broker.depth("a")).messages + (await broker.depth("b")).messages == 0

        await time.until(is_gone)


async def test_a_message_goes_down_a_ladder_of_delays(broker_factory, take, comes_to_hold):
    """Three levels, 50 ms each bit: 101 stays on the first and the last, and hops over the one between."""
    levels = ("l2", "l1", "l0", "out")
    queues, bindings = [], [Binding("out", "end", "*.*.*.q")]
    for hop, (here, below) in enumerate(pairwise(levels)):
        arguments = {"x-queue-type": "classic", "x-message-ttl": 50 * 2 ** (2 - hop), "x-dead-letter-exchange": below}
        queues.append(Queue(here, arguments))
        bindings += [Binding(here, here, "*." * hop + "1.#"), Binding(here, below, "*." * hop + "0.#", "exchange")]
    queues.append(Queue("end", {"x-queue-type": "classic"}))
    async with broker_factory() as broker:
        await broker.declare(Topology(tuple(Exchange(level) for level in levels), tuple(queues), tuple(bindings)))
        await broker.publish([Outgoing("l2", "1.0.1.q", b"delayed"), Outgoing("l2", "0.0.0.q", b"at once")])
        assert (await broker.depth("end")).messages == 1
        await comes_to_hold(broker, "end", 2)
        async with broker.subscribe("end", prefetch=2) as subscription:
            deliveries = await take(subscription, 2)
    assert [d.body for d in deliveries] == [b"at once", b"delayed"]
    assert [death["queue"] for death in deliveries[1].properties.headers["x-death"]] == ["l0", "l2"]
