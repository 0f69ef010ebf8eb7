"""What the scaler of workers asks the real management API, as its own user, in the words that KEDA asks it in."""

import base64
import http.client
import json
from urllib.parse import quote, quote_plus, urlsplit

import aio_pika
import pytest

QUEUE = "warren.work.scouts.measure"
SCALER = "warren-scaler"


@pytest.fixture
def ask(house, management):
    """An answer's status and document. KEDA writes vhost and queue into the path as a query would have them."""
    base = urlsplit(management.url)
    token = base64.b64encode(f"{SCALER}:{house.passwords[SCALER]}".encode()).decode()
    vhost = urlsplit(house.admin_url).path.removeprefix("/")

    def ask(method, *path, body=None):
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=10)
        where = "/".join(part.format(vhost=quote_plus(vhost)) for part in path)
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/{where}", body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    return ask


async def test_it_counts_what_waits_and_what_is_being_worked_on(house, ask, wait_until):
    """Without the second a worker on the last tasks would be scaled away."""

    async def counted(messages, unacked):
        def is_so():
            status, seen = ask("GET", "queues", "{vhost}", quote_plus(QUEUE))
            assert status == 200
            return (seen.get("messages", 0), seen.get("messages_unacknowledged", 0)) == (messages, unacked)

        await wait_until(is_so, timeout_s=30, reason=f"{messages} messages, {unacked} of them unacked, are counted")

    async with await aio_pika.connect(house.admin_url) as connection:
        channel = await connection.channel()
        for _ in range(3):
            await channel.default_exchange.publish(aio_pika.Message(b"{}"), QUEUE)
        queue = await channel.get_queue(QUEUE, ensure=False)
        taken = [await queue.get() for _ in range(2)]
        await counted(3, 2)
        await (await queue.get()).ack()
        for each in taken:
            await each.ack()
        await counted(0, 0)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", ("queues", "{vhost}", QUEUE, "get"), {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        ("DELETE", ("queues", "{vhost}", QUEUE, "contents"), None),
        ("DELETE", ("queues", "{vhost}", QUEUE), None),
        ("PUT", ("queues", "{vhost}", "mine"), {}),
        ("POST", ("exchanges", "{vhost}", "warren.tasks", "publish"), {}),
        ("GET", ("users",), None),
        ("GET", ("definitions",), None),
        ("PUT", ("permissions", "{vhost}", SCALER), {"configure": ".*", "write": ".*", "read": ".*"}),
        ("PUT", ("users", SCALER), {"password": "x", "tags": "administrator"}),
    ],
)
def test_it_may_do_nothing_but_look(ask, method, path, body):
    if path[-1] == "publish":
        body = {
            "properties": {},
            "routing_key": quote("task.scouts.measure"),
            "payload": "{}",
            "payload_encoding": "string",
        }
    status, said = ask(method, *path, body=body)
    assert status in {400, 401, 403}, said
    assert status != 400 or "refused" in str(said), said
