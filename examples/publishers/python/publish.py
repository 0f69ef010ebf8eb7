"""Submits a project to Warren and waits for its result, with plain pika.

usage: AMQP_URL=amqp://user:password@host/vhost python publish.py PLAYBOOK INPUT_JSON
"""

import json
import os
import sys
from uuid import uuid4

import pika
from pika.adapters.blocking_connection import BlockingChannel

TIMEOUT_S = 120


def main() -> int:
    playbook, data = sys.argv[1], json.loads(sys.argv[2])
    parameters = pika.URLParameters(os.environ["AMQP_URL"])
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        queue, reply_to = listen(channel, parameters.credentials.username)
        submit(channel, {"id": str(uuid4()), "playbook": playbook, "input": data}, reply_to)
        for _, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=TIMEOUT_S):
            if body is None:
                print("no result in time; the project goes on", file=sys.stderr)
                return 1
            answer = json.loads(body)["answer"]
            if answer["kind"] in ("finished", "rejected"):
                return show(answer)
    return 1


def listen(channel: BlockingChannel, user: str) -> tuple[str, str]:
    """A queue of our own, bound to a key of our own."""
    reply_to = f"reply.{user}--{uuid4().hex[:8]}"
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "warren.replies", reply_to)
    return queue, reply_to


def submit(channel: BlockingChannel, project: dict, reply_to: str) -> None:
    """With confirms on, this returns once the broker has the message, and raises if nothing is bound to the key."""
    channel.basic_publish(
        "warren.ingress",
        f"project.{project['playbook']}",
        json.dumps(project),
        pika.BasicProperties(content_type="application/json", delivery_mode=2, reply_to=reply_to),
        mandatory=True,
    )


def show(answer: dict) -> int:
    outcome = answer.get("outcome", {})
    if outcome.get("status") == "succeeded":
        print(json.dumps(outcome["output"]))
        return 0
    print(json.dumps(answer), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
