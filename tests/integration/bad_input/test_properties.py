"""AMQP properties of every kind: they carry transport only, and none of them may do harm."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import aio_pika
import pytest

WRONG = {"playbook": "eco"}
GOOD = {"playbook": "echo", "input": {"text": "x"}}


def table(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


HEADERS = {
    "nested tables": {"a": {"b": {"c": [1, {"d": None}]}}},
    "tables nested deep": {"a": table(400)},
    "bytes": {"a": bytearray(b"\x00\xff"), "b": [bytearray(b"\xff")]},
    "times": {"a": datetime(2100, 1, 1, tzinfo=UTC), "b": datetime(1970, 1, 1, tzinfo=UTC)},
    "numbers": {"a": 2**63 - 1, "b": -(2**63), "c": 1.5, "e": Decimal("1.5"), "f": True},
    "a text that is not UTF-8": {"a": b"\xe9"},
    "a name that is not UTF-8": {b"\xe9": "a"},
    "a name of 128 bytes": {"n" * 128: "a"},
    "texts that nearly fill the frame": {f"h{n}": "x" * 1000 for n in range(128)},
    "a text that nearly fills the frame": {"a": "x" * 130_000},
    "four thousand of them": {f"h{n}": n for n in range(4_000)},
    "names of ours": {"x-warren-error-code": 7, "x-warren-error": {}, "x-attempt": "many", "traceparent": [1]},
    "a death that is none": {"x-death": "yes"},
    "deaths that are none": {"x-death": ["expired", 7, None], "x-first-death-queue": 1},
    "a death that lies": {"x-death": [{"reason": ["expired"], "queue": 1, "count": "many"}]},
    "copies for others": {"CC": ["project.x", "work.scouts.echo"]},
}
LONG = b"\xff" * 255
PROPERTIES = {
    "plain text": {"content_type": "text/plain"},
    "no content type": {"content_type": None},
    "a content type that is not UTF-8": {"content_type": LONG},
    "another encoding": {"content_encoding": "gzip"},
    "a priority of 255": {"priority": 255},
    "a correlation id that is not UTF-8": {"correlation_id": LONG},
    "a message id that is not UTF-8": {"message_id": LONG},
    "an application that is not UTF-8": {"app_id": LONG},
    "a long correlation id": {"correlation_id": "é" * 127},
    "line breaks": {"correlation_id": "a\r\nb", "app_id": "\t", "message_id": "\n"},
    "the last of all times": {"timestamp": datetime(9999, 12, 31, tzinfo=UTC)},
    "an expiration of 49 days": {"expiration": 4_294_967},
    "our own type": {"type": "warren.project.v1"},
    "an empty type": {"type": ""},
    "not persistent": {"delivery_mode": aio_pika.DeliveryMode.NOT_PERSISTENT},
    "an empty message id": {"message_id": ""},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_whatever_the_headers_are_a_wrong_project_is_refused(stranger, raw, headers):
    await raw(WRONG, reply_to=stranger.key, headers=headers)
    error, letter = await stranger.refused()
    assert error.code == "unknown_playbook"
    assert json.loads(letter.body) == WRONG
    assert letter.properties.headers["x-warren-error"] == error.message
    await stranger.forget("warren.unroutable")  # where the copies went, if the headers asked for any


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_whatever_the_headers_are_a_good_project_succeeds(stranger, raw, headers):
    await raw(GOOD, reply_to=stranger.key, headers=headers)
    assert (await finished(stranger)).outcome.status == "succeeded"
    await stranger.forget("warren.unroutable")


@pytest.mark.parametrize("properties", PROPERTIES.values(), ids=PROPERTIES)
async def test_whatever_the_properties_are_a_wrong_project_is_refused(stranger, raw, properties):
    await raw(WRONG, reply_to=stranger.key, **properties)
    error, letter = await stranger.refused()
    assert error.code == "unknown_playbook"
    assert json.loads(letter.body) == WRONG


@pytest.mark.parametrize("properties", PROPERTIES.values(), ids=PROPERTIES)
async def test_whatever_the_properties_are_a_good_project_succeeds(stranger, raw, properties):
    await raw(GOOD, reply_to=stranger.key, **properties)
    assert (await finished(stranger)).outcome.status == "succeeded"


@pytest.mark.parametrize("kind", ["warren.project.v2", "warren.task.v1", "text", "x" * 255, b"\xff" * 255])
async def test_a_message_of_another_type_is_refused(stranger, raw, kind):
    await raw(GOOD, reply_to=stranger.key, type=kind)
    error, letter = await stranger.refused()
    assert error.code == "wrong_type"
    assert "warren.project.v1" in error.message
    assert json.loads(letter.body) == GOOD


async def test_a_correlation_id_that_no_ledger_can_hold_is_refused(stranger, raw):
    await raw(GOOD, reply_to=stranger.key, correlation_id="a\0b")
    error, _ = await stranger.refused()
    assert error.code == "correlation_id_invalid"


async def test_the_correlation_id_comes_back_as_it_was_sent(stranger, raw):
    mine = "é ✓ \r\n" * 12
    await raw(WRONG, reply_to=stranger.key, correlation_id=mine)
    _, properties = await stranger.reply()
    assert properties.correlation_id == mine
    await stranger.dead()


@pytest.mark.parametrize("expiration", [-1, 400_000_000])
async def test_the_broker_itself_refuses_an_expiration_that_is_none(stranger, raw, expiration):
    with pytest.raises(aio_pika.exceptions.AMQPError):
        await raw(GOOD, reply_to=stranger.key, expiration=expiration)


async def test_headers_of_amqp_publish_are_kept_with_the_dead_letter(stranger):
    await stranger.send(WRONG, "--header", "who: me", "--content-type", "text/plain")
    _, letter = await stranger.refused()
    assert letter.properties.headers["who"] == "me"
    assert letter.properties.content_type == "text/plain"


async def finished(stranger):
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert [answer.kind for answer in answers] == ["accepted", "finished"], answers
    return answers[1]
