"""Bodies that are no project: the sender hears what, where and what to do, and the dead letter keeps all of it."""

import gzip
import json
from uuid import uuid4

import pytest

PARSED_DEPTH = 200

NOT_JSON = {
    "no json": b"hello",
    "empty": b"",
    "only a space": b" ",
    "cut off": b'{"playbook": "echo", "input": {"text": "he',
    "two documents": b'{"playbook": "echo"}{"playbook": "echo"}',
    "single quotes": b"{'playbook': 'echo'}",
    "not a number": b'{"playbook": "echo", "input": {"text": "a", "n": NaN}}',
    "infinity": b'{"playbook": "echo", "input": {"n": -Infinity}}',
    "half a surrogate": b'{"playbook": "echo", "input": {"text": "\\ud800"}}',
    "a byte order mark": b'\xef\xbb\xbf{"playbook": "echo"}',
    "xml": b"<project/>",
    "nested a million deep": b"[" * 1_000_000,
    "nested deeper than we read": b'{"input":' + b'{"a":' * PARSED_DEPTH + b"1" + b"}" * PARSED_DEPTH + b"}",
}
NOT_UTF8 = {
    "latin 1": '{"playbook": "echo", "input": {"text": "é"}}'.encode("latin-1"),
    "utf 16": '{"playbook": "echo"}'.encode("utf-16"),
    "gzip": gzip.compress(b'{"playbook": "echo"}', mtime=0),
    "a pickle": b"\x80\x04K\x2a.",
    "an overlong slash": b'{"playbook": "\xc0\xaf"}',
}
INVALID = {
    "a list": ([], ""),
    "null": (None, ""),
    "a number": (1, ""),
    "a text": ("echo", ""),
    "nothing": ({}, ""),
    "an unknown field": ({"playbook": "echo", "inputs": {}}, "/inputs"),
    "a number for the playbook": ({"playbook": 1}, "/playbook"),
    "illegal characters in the playbook": ({"playbook": "Échô!"}, "/playbook"),
    "a list for the input": ({"playbook": "echo", "input": []}, "/input"),
    "a text for the priority": ({"playbook": "echo", "priority": "high"}, "/priority"),
    "a fraction for the priority": ({"playbook": "echo", "priority": 4.5}, "/priority"),
    "a truth value for the priority": ({"playbook": "echo", "priority": True}, "/priority"),
    "a priority over nine": ({"playbook": "echo", "priority": 10}, "/priority"),
    "a negative priority": ({"playbook": "echo", "priority": -1}, "/priority"),
    "a priority no integer holds": ({"playbook": "echo", "priority": 10**300}, "/priority"),
    "an id that is none": ({"playbook": "echo", "id": "project-1"}, "/id"),
    "an id with a line break": ({"playbook": "echo", "id": f"{uuid4()}\n"}, "/id"),
    "a deadline without a time zone": ({"playbook": "echo", "deadline": "2100-01-01T00:00:00"}, "/deadline"),
    "no time left": ({"playbook": "echo", "timeout_s": 0}, "/timeout_s"),
    "more time than there is": ({"playbook": "echo", "timeout_s": 1e300}, "/timeout_s"),
    "a plan and a playbook": ({"playbook": "echo", "plan": {}}, ""),
    "a deadline and a time-out": ({"playbook": "echo", "deadline": "2100-01-01T00:00:00Z", "timeout_s": 1}, ""),
    "labels that are no texts": ({"playbook": "echo", "labels": {"a": 1}}, "/labels/a"),
    "a queue's name to reply to": ({"playbook": "echo", "reply_to": "warren.projects"}, "/reply_to"),
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
async def test_what_is_not_json_is_refused(stranger, body):
    assert (await stranger.send(body)).code == 0
    error, letter = await stranger.refused()
    assert error.code == "not_json"
    assert error.message.startswith("the body is not JSON: ")
    assert letter.body == body


@pytest.mark.parametrize("body", NOT_UTF8.values(), ids=NOT_UTF8)
async def test_what_is_not_utf8_is_refused(stranger, body):
    await stranger.send(body)
    error, letter = await stranger.refused()
    assert error.code == "not_utf8"
    assert "byte" in error.message
    assert letter.body == body


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID)
async def test_json_that_is_no_project_is_refused_with_the_place(stranger, body, pointer):
    await stranger.send(body)
    error, letter = await stranger.refused()
    assert (error.code, error.pointer) == ("message_invalid", pointer)
    assert error.message.startswith("not a valid warren.project.v1: ")
    assert json.loads(letter.body) == body


async def test_a_dead_letter_says_where_it_came_from(stranger):
    await stranger.send(b"{", key="project.nowhere")
    _, letter = await stranger.refused()
    headers = letter.properties.headers
    assert headers["x-warren-exchange"] == "warren.ingress"
    assert headers["x-warren-routing-key"] == "project.nowhere"
    assert headers["x-warren-error"].startswith("the body is not JSON")


async def test_an_unknown_playbook_is_refused_with_the_known_ones(stranger):
    await stranger.send({"playbook": "eco", "input": {}})
    error, _ = await stranger.refused()
    assert (error.code, error.pointer) == ("unknown_playbook", "/playbook")
    assert "'eco'" in error.message
    assert "there are: echo" in error.message


async def test_an_input_that_does_not_fit_the_playbook_is_refused_with_the_place(stranger):
    await stranger.send({"playbook": "echo", "input": {"text": 7}})
    error, _ = await stranger.refused()
    assert (error.code, error.pointer) == ("input_invalid", "/input/text")


async def test_a_deadline_that_has_passed_is_refused(stranger):
    await stranger.send({"playbook": "echo", "input": {"text": "x"}, "deadline": "2001-01-01T00:00:00Z"})
    error, _ = await stranger.refused()
    assert (error.code, error.pointer) == ("deadline_past", "/deadline")


async def test_a_wrong_input_of_megabytes_gets_an_answer_of_kilobytes(stranger):
    await stranger.send({"playbook": "echo", "input": {"text": "x" * 3_000_000}})
    error, letter = await stranger.refused()
    assert error.code == "input_invalid"
    assert len(error.message) < 5_000
    assert len(letter.body) > 3_000_000


async def test_an_unknown_field_with_a_name_of_megabytes_gets_an_answer_of_kilobytes(stranger):
    await stranger.send({"playbook": "echo", "~/" * 1_000_000: 1})
    error, letter = await stranger.refused()
    assert error.code == "message_invalid"
    assert error.pointer.startswith("/~0~1~0~1")
    assert len(error.message) + len(error.pointer) < 5_000
    assert len(letter.body) > 2_000_000


async def test_a_project_that_is_too_large_is_refused_with_the_setting_that_limits_it(stranger):
    await stranger.send({"playbook": "echo", "input": {"text": "x" * 9_000_000}})
    error, letter = await stranger.refused()
    assert error.code == "message_too_large"
    assert "limits.message_bytes" in error.message
    assert len(letter.body) > 9_000_000


async def test_a_message_of_twenty_megabytes_is_refused_by_the_director_or_the_broker(stranger):
    published = await stranger.send(b"x" * 20_000_000)
    if int(stranger.broker.server_version.split(".")[0]) >= 4:
        assert published.code != 0
        assert "size" in published.complaint
        return
    error, letter = await stranger.refused()
    assert error.code == "message_too_large"
    assert "20,000,000 bytes" in error.message
    assert len(letter.body) == 20_000_000


async def test_of_a_key_that_is_there_twice_the_last_value_counts(stranger):
    await stranger.send(b'{"playbook": "nothing", "playbook": "echo", "input": {"text": "a", "text": "b"}}')
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert [answer.kind for answer in answers] == ["accepted", "finished"]
    assert answers[1].outcome.output == {"text": "b"}
