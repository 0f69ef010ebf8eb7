"""Outputs that go from the ledger into messages as the text that they are."""

import tracemalloc

from warren.messages.codec import decode, encode, from_json, to_json
from warren.messages.outcome import Failed, Succeeded
from warren.messages.reply import Finished, Reply
from warren.messages.written import Written, filled, object_text, output_of, text_of, without_output

AWKWARD = '{"output":{},"\\"output\\":{}":"Grüße 🐇"}'


def reply_with(outcome, project="P"):
    answer = Finished(outcome=without_output(outcome), accepted_s=1.0, ended_s=2.0)
    return filled(encode(Reply(project=project, answer=answer)), outcome)


def test_a_text_arrives_as_the_value_that_it_stands_for():
    found = decode(Reply, reply_with(Written(AWKWARD)))
    assert found.answer.outcome == Succeeded(output=from_json(AWKWARD))


def test_a_name_that_looks_like_the_place_of_the_output_is_left_alone():
    name = '"output":{}'
    found = decode(Reply, reply_with(Written('{"n":1}'), project=name))
    assert (found.project, found.answer.outcome) == (name, Succeeded(output={"n": 1}))


def test_other_outcomes_go_as_they_are():
    for outcome in (Succeeded(output={}), Failed(error={"code": "broken", "message": '"output":{}'})):
        assert decode(Reply, reply_with(outcome)).answer.outcome == outcome


def test_a_success_is_the_same_as_text_and_as_value():
    value = {"n": [1, None, "ß"]}
    assert output_of(Written(text_of(Succeeded(output=value)))) == value
    assert text_of(Written('{"n":1}')) == '{"n":1}'


def test_members_that_are_text_make_an_object():
    assert from_json(object_text({'a"b': "[1,2]", "c": "{}"})) == {'a"b': [1, 2], "c": {}}
    assert object_text({}) == "{}"


def test_passing_an_output_on_takes_a_few_times_its_length_and_not_its_values():
    text = to_json({"items": [{"index": index} for index in range(50_000)]})
    tracemalloc.start()
    try:
        body = reply_with(Written(text))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body) > len(text)
    assert peak_bytes < 4 * len(text)
