import json
from dataclasses import replace
from itertools import count

import pytest

from director.acceptance import Acceptance, answer_address
from topology import parse_cluster
from warren.broker.port import Delivery, Properties
from warren.clock import SystemClock
from warren.errors import InvalidInput
from warren.patterns.playbook import Playbooks, parse_playbook
from warren.telemetry.context import TraceContext

CLUSTER = parse_cluster("{version: 1, teams: {hosts: {skills: {greet: {}}}}}", "cluster.yaml")
PLAN = {
    "kind": "delegate",
    "team": "hosts",
    "plan": {"kind": "call", "skill": "greet", "input": {"name": "input.name"}},
}
PROJECT = {"playbook": "welcome", "input": {"name": "Ada"}}
ATTRIBUTES = {"specversion": "1.0", "id": "e-1", "source": "/shop/orders", "type": "warren.project.submit"}
STRUCTURED = "application/cloudevents+json"


def seeded():
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


@pytest.fixture
def acceptance():
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    playbook = parse_playbook({"name": "welcome", "input": schema, "plan": PLAN}, "welcome.yaml")
    return Acceptance(Playbooks([playbook], {"hosts": frozenset({"greet"})}, CLUSTER.limits), SystemClock(), seeded())


def delivery(body, content_type="application/json", headers=None, **properties):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    carried = Properties(content_type=content_type, headers=headers or {}, **properties)
    return Delivery(
        "warren.projects", "warren.ingress", "project.welcome", data, carried, redelivered=False, tag=(1, 1)
    )


def structured(content_type=STRUCTURED, **changes):
    return delivery({**ATTRIBUTES, "data": PROJECT, **changes}, content_type)


def binary(prefix="cloudEvents:", body=PROJECT, content_type="application/json", **changes):
    named = {prefix + name: value for name, value in {**ATTRIBUTES, **changes}.items() if value is not None}
    return delivery(body, content_type, named)


def refusal(acceptance, sent):
    with pytest.raises(InvalidInput) as caught:
        acceptance.draft(sent)
    return caught.value


@pytest.mark.parametrize("content_type", [STRUCTURED, STRUCTURED + "; charset=utf-8", "Application/CloudEvents+JSON"])
def test_the_project_of_a_structured_event_is_in_its_data(acceptance, content_type):
    draft = acceptance.draft(structured(content_type))
    assert draft.owner.playbook == "welcome"
    assert json.loads(draft.event.task["input"]) == {"name": "Ada"}


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-", "ce_"])
def test_the_project_of_a_binary_event_is_its_body(acceptance, prefix):
    assert acceptance.draft(binary(prefix)).owner.playbook == "welcome"


@pytest.mark.parametrize("how", [delivery, structured], ids=["plain", "structured"])
def test_a_number_that_no_computer_holds_is_refused_however_it_comes(acceptance, how):
    project = {**PROJECT, "input": {"name": "Ada", "n": 1.5}}
    sent = how(project) if how is delivery else how(data=project)
    sent = replace(sent, body=sent.body.replace(b"1.5", b"1e999"))
    assert refusal(acceptance, sent).code == "number_too_large"


def test_source_and_id_make_an_event_one_project_in_either_mode(acceptance):
    first, again = acceptance.draft(structured()), acceptance.draft(binary("ce-"))
    assert first.owner.id == again.owner.id
    assert first.owner.fingerprint == again.owner.fingerprint


def test_the_same_id_of_another_source_is_another_project(acceptance):
    assert acceptance.draft(structured()).owner.id != acceptance.draft(structured(source="/billing")).owner.id
    assert acceptance.draft(structured()).owner.id != acceptance.draft(structured(id="e-2")).owner.id


def test_an_id_that_the_project_states_goes_before_that_of_the_event(acceptance):
    own = "01920000-0000-7000-8000-000000000001"
    assert acceptance.draft(structured(data={**PROJECT, "id": own})).owner.id == own


def test_extension_attributes_and_all_optional_ones_are_let_through(acceptance):
    sent = structured(subject="order 7", time="2026-01-01T00:00:00Z", datacontenttype="application/json", tenant="a")
    assert acceptance.draft(sent).owner.playbook == "welcome"


def test_a_plain_project_is_no_event(acceptance):
    first, second = acceptance.draft(delivery(PROJECT)), acceptance.draft(delivery(PROJECT))
    assert first.owner.id != second.owner.id


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"data": {**PROJECT, "inputs": {}}}, "/data/inputs"),
        ({"data": {"playbook": "welcom"}}, "/data/playbook"),
        ({"data": {**PROJECT, "input": {"name": 7}}}, "/data/input/name"),
        ({"data": {}}, "/data"),
        ({"data": "welcome"}, "/data"),
        ({"type": "com.example.order.placed"}, "/type"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"id": ""}, "/id"),
    ],
)
def test_what_is_wrong_is_located_in_the_event(acceptance, changes, pointer):
    assert refusal(acceptance, structured(**changes)).pointer == pointer


def test_an_event_of_another_type_is_told_which_one_is_wanted(acceptance):
    error = refusal(acceptance, structured(type="com.example.order.placed"))
    assert error.code == "cloud_event_invalid"
    assert "'com.example.order.placed'" in error.message
    assert "warren.project.submit" in error.message


@pytest.mark.parametrize("missing", ["id", "source", "type"])
def test_a_binary_event_must_have_all_required_attributes(acceptance, missing):
    error = refusal(acceptance, binary(**{missing: None}))
    assert error.code == "cloud_event_invalid"
    assert f"cloudEvents:{missing}" in error.message


@pytest.mark.parametrize(
    "sent",
    [
        binary(specversion="0.3"),
        binary(content_type="application/xml"),
        delivery([], "application/cloudevents-batch+json"),
        delivery(b"", "application/cloudevents+avro"),
    ],
    ids=["an old version", "another content type", "a batch", "another format"],
)
def test_what_is_not_understood_is_refused(acceptance, sent):
    assert refusal(acceptance, sent).code == "cloud_event_invalid"


def test_a_wrong_binary_event_is_located_in_its_body(acceptance):
    assert refusal(acceptance, binary(body={"playbook": "welcom"})).pointer == "/playbook"


def test_a_hostile_reply_address_is_no_place_in_the_data(acceptance):
    error = refusal(acceptance, delivery({**ATTRIBUTES, "data": PROJECT}, STRUCTURED, reply_to="warren.projects"))
    assert (error.code, error.pointer) == ("reply_to_invalid", "")


def test_a_refusal_goes_where_the_data_says():
    sent = structured(data={"playbook": "x", "reply_to": "reply.shop"})
    assert answer_address(sent) == "reply.shop"


@pytest.mark.parametrize("value", [7, None, ["1.0"], {"a": 1}, b"1.0"])
def test_a_header_that_is_no_text_makes_no_event(acceptance, value):
    assert acceptance.draft(delivery(PROJECT, headers={"ce-specversion": value})).owner.playbook == "welcome"


def test_an_event_brings_the_trace_that_it_is_part_of_in_both_modes(acceptance):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for sent in (structured(traceparent=parent, tracestate="a=b"), binary(traceparent=parent, tracestate="a=b")):
        trace = TraceContext.from_text(acceptance.draft(sent).owner.trace)
        assert (trace.headers(trace.parent_id)) == {"traceparent": parent, "tracestate": "a=b"}


def test_the_trace_of_the_message_goes_before_that_of_the_event_in_it(acceptance):
    sent = structured(traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    sent.properties.headers["traceparent"] = f"00-{'c' * 32}-{'d' * 16}-01"
    assert TraceContext.from_text(acceptance.draft(sent).owner.trace).trace_id == "c" * 32
