"""Where a message is sent, where its sender wants to be answered, and ids that are taken."""

import asyncio
import json
from uuid import uuid4

import aio_pika
import pytest

from topology.names import DIRECTOR, INGRESS, REPLIES, dead_queue
from warren.ids import is_project_id

NOWHERE = [
    "project",
    "project.echo.fast",
    "assign.scouts",
    "command",
    "Project.echo",
    "",
    "project.échô.ü",
    "#",
    "x" * 255,
]
UNFIT_KEYS = ["project.*", "project.#", "project.ÉCHÔ", "project.\n", "project. ", "project." + "x" * 247]
HOSTILE = {
    "a queue of ours": "warren.projects",
    "a queue of somebody's": "billing",
    "an exchange": "amq.direct",
    "the name before the broker changes it": "amq.rabbitmq.reply",
    "a very long one": "q" * 255,
    "line breaks": "reply.a\r\nreply.b",
    "an illegal token": "reply.Client!",
    "no token": "reply.",
    "two tokens": "reply.a.b",
    "a pattern": "reply.#",
    "a token that is too long": "reply." + "a" * 41,
    "right to left, and NUL": "\u202e\u0000reply.a",
    "not UTF-8": b"reply.\xe9",
    "a path": "../../etc/passwd",
}
NO_PROCESS = "g1h2AA5yZXBseUAyOTgzNDU5NgAA//8AAAAAawAG9g=="
NO_NODE = "g1h3DnJhYmJpdEBub3doZXJlAAADGgAAAABrAAb2"
FORGED = {
    "nothing": "amq.rabbitmq.reply-to.",
    "one word": "amq.rabbitmq.reply-to.x",
    "two words": "amq.rabbitmq.reply-to.x.y",
    "no process": "amq.rabbitmq.reply-to.AAAA.BBBB",
    "a term that is not finished": "amq.rabbitmq.reply-to.g1g=.key",
    "an atom for a process": "amq.rabbitmq.reply-to.g3cDZm9v.key",
    "an empty key": "amq.rabbitmq.reply-to.g1g=.",
    "more than there can be": "amq.rabbitmq.reply-to." + "A" * 230,
    "a process that is not there": f"amq.rabbitmq.reply-to.{NO_PROCESS}.odTgnrq/xcidqVLgE2axpw==",
    "a node that is not there": f"amq.rabbitmq.reply-to.{NO_NODE}.odTgnrq/xcidqVLgE2axpw==",
    "quotes": "amq.rabbitmq.reply-to.'; drop table tasks; --",
}


@pytest.mark.parametrize("key", NOWHERE)
async def test_a_key_that_nothing_is_bound_to_lands_among_the_unroutable(stranger, key):
    await stranger.send(b"lost", key=key)
    letter = await stranger.dead("warren.unroutable")
    assert (letter.exchange, letter.routing_key, letter.body) == (INGRESS, key, b"lost")


@pytest.mark.parametrize("key", UNFIT_KEYS)
async def test_the_words_of_a_key_are_not_believed_but_the_body(stranger, key):
    await stranger.send({"playbook": "echo", "input": {"text": key}}, key=key)
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert [answer.kind for answer in answers] == ["accepted", "finished"]
    assert answers[1].outcome.output == {"text": key}


@pytest.mark.parametrize("verb", ["cancel", "explode", "*"])
async def test_a_command_that_is_none_is_refused(stranger, verb):
    await stranger.send({"verb": "explode", "project": str(uuid4())}, key=f"command.{verb}")
    error, letter = await stranger.refused()
    assert (error.code, error.pointer) == ("message_invalid", "/verb")
    assert letter.properties.headers["x-warren-routing-key"] == f"command.{verb}"


async def test_a_query_without_its_project_is_refused(stranger):
    await stranger.send({"noun": "status"}, key="query.status")
    error, _ = await stranger.refused()
    assert (error.code, error.pointer) == ("message_invalid", "/project")


async def test_a_query_for_a_project_that_is_not_there_is_answered(stranger):
    await stranger.send({"noun": "result", "project": str(uuid4())}, key="query.result")
    error = await stranger.rejection()
    assert (error.code, error.pointer) == ("unknown_project", "/project")


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE)
async def test_nobody_is_answered_at_a_hostile_address(stranger, raw, address):
    await raw(json.dumps({"playbook": "echo", "input": {"text": "x"}}).encode(), reply_to=address)
    letter = await stranger.dead()
    assert letter.properties.headers["x-warren-error-code"] == "reply_to_invalid"
    assert "reply.<client>" in letter.properties.headers["x-warren-error"]
    assert await stranger.is_empty("warren.projects")


@pytest.mark.parametrize("address", FORGED.values(), ids=FORGED)
async def test_a_forged_direct_reply_to_does_not_harm_those_who_are_answered_with_it(stranger, raw, address):
    body = json.dumps({"playbook": "nothing"}).encode()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(raw(body, reply_to=address))
            group.create_task(stranger.send({"playbook": "eco"}))
    for _ in range(3):
        assert (await stranger.rejection()).code == "unknown_playbook"
    letters = [await stranger.dead() for _ in range(6)]
    codes = {letter.properties.headers["x-warren-error-code"] for letter in letters}
    assert codes <= {"unknown_playbook", "reply_to_invalid"}
    await stranger.succeeds(beside=["rejected"])  # a batch whose connection went may have left twice
    await stranger.forget(dead_queue(DIRECTOR))


async def test_what_is_wrong_is_told_where_the_body_says_to(stranger):
    await stranger.send({"playbook": "eco", "reply_to": stranger.key}, reply_to=False)
    error, _ = await stranger.refused()
    assert error.code == "unknown_playbook"


async def test_who_left_no_address_is_not_answered_but_the_dead_letter_tells_all(stranger):
    await stranger.send({"playbook": "eco"}, reply_to=False)
    letter = await stranger.dead()
    assert letter.properties.headers["x-warren-error-code"] == "unknown_playbook"


async def test_an_id_that_is_used_with_another_input_is_refused(stranger):
    project = {"id": str(uuid4()), "playbook": "echo", "input": {"text": "one"}}
    await stranger.succeeds(project)
    await stranger.send({**project, "input": {"text": "two"}})
    error, letter = await stranger.refused()
    assert (error.code, error.pointer) == ("id_conflict", "/id")
    assert project["id"] in error.message
    assert "another" in error.message
    assert json.loads(letter.body)["input"] == {"text": "two"}


async def test_the_same_project_again_is_answered_with_what_it_came_to(stranger):
    project = {"id": str(uuid4()), "playbook": "echo", "input": {"text": "one"}}
    await stranger.succeeds(project)
    await stranger.send(project)
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert [answer.kind for answer in answers] == ["accepted", "finished"]
    assert answers[0].duplicate
    assert answers[1].outcome.output == {"text": "one"}


async def test_many_copies_at_once_are_one_project(stranger):
    project = {"id": str(uuid4()), "playbook": "echo", "input": {"text": "one"}}
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(stranger.send(project))
    answers = []
    while sum(answer.kind == "accepted" for answer in answers) < 8 or all(a.kind == "accepted" for a in answers):
        answers.append((await stranger.reply())[0])
    assert sum(answer.kind == "accepted" and not answer.duplicate for answer in answers) == 1
    assert {answer.outcome.output["text"] for answer in answers if answer.kind == "finished"} == {"one"}


async def test_a_program_of_somebody_else_uses_direct_reply_to(stranger):
    """Written with another client library, as any system would."""
    connection = await aio_pika.connect(stranger.url)
    async with connection:
        channel = await connection.channel(publisher_confirms=False)
        heard = asyncio.Queue()
        await channel.declare_queue("amq.rabbitmq.reply-to", passive=True)
        queue = await channel.get_queue("amq.rabbitmq.reply-to", ensure=False)
        await queue.consume(heard.put, no_ack=True)
        ingress = await channel.get_exchange(INGRESS, ensure=False)
        body = json.dumps({"playbook": "echo", "input": {"text": "direct"}}).encode()
        message = aio_pika.Message(body, reply_to="amq.rabbitmq.reply-to", correlation_id="mine", priority=None)
        await ingress.publish(message, "project.echo")
        async with asyncio.timeout(20):
            replies = [await heard.get(), await heard.get()]
    assert [reply.correlation_id for reply in replies] == ["mine", "mine"]
    accepted, finished = [json.loads(reply.body) for reply in replies]
    assert accepted["answer"] == {"kind": "accepted", "duplicate": False}
    assert is_project_id(accepted["project"])
    assert finished["answer"]["outcome"] == {"status": "succeeded", "output": {"text": "direct"}}


async def test_a_shell_script_reads_its_reply(stranger):
    key = f"reply.{uuid4().hex}"
    async with await aio_pika.connect(stranger.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(durable=True, auto_delete=True)
        await queue.bind(REPLIES, key)
        await stranger.send({"playbook": "eco"}, reply_to=key)
        await stranger.dead()
        consumer = await asyncio.create_subprocess_exec(
            *("amqp-consume", "--url", stranger.url, "--queue", queue.name, "--count", "1", "cat"),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(20):
            told, _ = await consumer.communicate()
    error = json.loads(told)["answer"]["error"]
    assert (error["code"], error["pointer"]) == ("unknown_playbook", "/playbook")
