"""A plan is data: it goes out and comes back, and is checked before it starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topology.limits import Limits
from warren.errors import InvalidInput
from warren.messages.codec import from_json, to_json
from warren.patterns.check import check_plan
from warren.patterns.plan import dump_plan, parse_plan

TEAMS = {"scouts": frozenset({"work", "list"}), "analysts": frozenset({"join"})}

words = st.sampled_from(["input.a", "'x'", "item", "results.a"])
templates = st.recursive(
    words | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("xyz", max_size=2), inner, max_size=2),
    max_leaves=4,
)
inputs = words | st.dictionaries(st.text("xyz", max_size=2), templates, max_size=2)
names = st.sampled_from(["a", "b-1", "c_2"])
calls = st.fixed_dictionaries(
    {"kind": st.just("call"), "skill": names}, optional={"input": inputs, "timeout_s": st.floats(0.1, 9)}
)


def composites(nodes):
    children = st.dictionaries(names, nodes, min_size=1, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"kind": st.just("sequence"), "steps": children}, optional={"output": inputs}),
        st.fixed_dictionaries(
            {"kind": st.just("parallel"), "branches": children},
            optional={"on_error": st.sampled_from(["fail", "continue"])},
        ),
        st.fixed_dictionaries(
            {"kind": st.just("map"), "items": words, "do": nodes},
            optional={"window": st.integers(1, 9), "reduce": st.just("sum") | nodes, "tolerate": st.just("all")},
        ),
        st.fixed_dictionaries({"kind": st.just("delegate"), "team": names, "plan": nodes}, optional={"input": inputs}),
        st.fixed_dictionaries({"kind": st.just("delegate"), "team": names, "playbook": names}),
    )


plans = st.recursive(calls, composites, max_leaves=8)


@given(plans)
def test_a_plan_that_goes_out_as_json_comes_back_as_it_was(data):
    plan = parse_plan(data)
    assert parse_plan(from_json(to_json(dump_plan(plan)))) == plan


def call(skill="work", **template):
    return {"kind": "call", "skill": skill, "input": template}


def delegate(plan, team="scouts", **changes):
    return {"kind": "delegate", "team": team, "plan": plan, **changes}


def nested(depth):
    plan = call()
    for _ in range(depth):
        plan = {"kind": "sequence", "steps": {"a": plan}}
    return plan


FAN = {"kind": "map", "items": "input.files", "do": call()}


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        ({"kind": "map", "itemz": "input.a", "do": call()}, "/itemz", "'itemz' is no key; did you mean 'items'?"),
        (delegate({"kind": "call", "skil": "a"}), "/plan/skil", "did you mean 'skill'?"),
        ({"kind": "call", "skill": "a", "zzz": 1}, "/zzz", "'zzz' is no key; known here: kind, skill, input"),
        ({"kind": "sequence", "steps": [call()]}, "/steps", "must be a mapping of names to nodes"),
        ({**FAN, "tolerate": -1}, "/tolerate", "must be greater than or equal to 0; found -1"),
        ({**FAN, "window": 0}, "/window", "must be greater than or equal to 1; found 0"),
        (call(title="Hello World"), "/input", "if it is a text and no expression, write \"'Hello World'\""),
        ({**FAN, "items": "input.["}, "/items", "is not a JMESPath expression: "),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_in_words_that_mend_it(data, pointer, words):
    with pytest.raises(InvalidInput) as caught:
        parse_plan(data, at="")
    assert caught.value.pointer == pointer
    assert words in caught.value.message


def test_a_word_that_was_meant_as_a_text_is_told_how_to_be_one():
    with pytest.raises(InvalidInput, match="write \"'hello'\""):
        check_plan(parse_plan(delegate(call(title="hello"))), TEAMS, Limits())


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ([], ""),
        ({"kind": "cal"}, ""),
        ({"kind": "call"}, "/skill"),
        ({"kind": "call", "skill": "No Token"}, "/skill"),
        ({"kind": "call", "skill": "a", "surprise": 1}, "/surprise"),
        ({"kind": "call", "skill": "a", "timeout_s": 0}, "/timeout_s"),
        ({"kind": "call", "skill": "a", "timeout_s": float("inf")}, "/timeout_s"),
        ({"kind": "call", "skill": "a", "input": {"x": "a..b"}}, "/input"),
        ({"kind": "sequence", "steps": {}}, "/steps"),
        ({"kind": "sequence", "steps": {"a": {"kind": "call"}}}, "/steps/a/skill"),
        ({"kind": "map", "items": "input", "do": call(), "window": 0}, "/window"),
        ({"kind": "map", "items": "input", "do": call(), "reduce": "nonsense"}, "/reduce"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(data, pointer):
    with pytest.raises(InvalidInput) as caught:
        parse_plan(data)
    assert caught.value.code == "plan_invalid"
    assert caught.value.pointer.startswith("/plan" + pointer)


def test_a_plan_that_is_nested_too_deeply_to_read_is_refused():
    with pytest.raises(InvalidInput, match=r"depth|deeply") as caught:
        parse_plan(nested(5_000))
    assert caught.value.code == "plan_invalid"


@pytest.mark.parametrize(
    ("data", "code", "pointer", "words"),
    [
        (call(), "call_without_team", "/plan", "wrap the call"),
        (delegate(call("fly")), "unknown_skill", "/plan/plan", "it has list, work"),
        (delegate(call("work"), team="analysts"), "unknown_skill", "/plan/plan", "it has join"),
        (delegate(call(), team="pilots"), "unknown_team", "/plan", "there are analysts, scouts"),
        ({"kind": "delegate", "team": "scouts", "playbook": "x"}, "unknown_playbook", "/plan", "'x'"),
        (delegate(call(n="item")), "unknown_reference", "/plan/plan/input", "'item'"),
        (delegate(call(n="nothing.at.all")), "unknown_reference", "/plan/plan/input", "'nothing'"),
        (delegate(call(n="results.a")), "unknown_reference", "/plan/plan/input", "no result yet"),
        (delegate(call(n="results.a[0].b")), "unknown_reference", "/plan/plan/input", "no result yet"),
        (delegate(call(n="errors.a")), "unknown_reference", "/plan/plan/input", "'errors'"),
        (
            delegate({"kind": "map", "items": "item", "do": call()}),
            "unknown_reference",
            "/plan/plan/items",
            "'item'",
        ),
        (
            {"kind": "sequence", "steps": {"a": delegate(call()), "b": delegate(call(), input="results.b")}},
            "unknown_reference",
            "/plan/steps/b/input",
            "here there is a",
        ),
        (
            {"kind": "sequence", "steps": {"a": delegate(call(n="results.a"))}},
            "unknown_reference",
            "/plan/steps/a/plan/input",
            "no result yet",
        ),
        (
            {"kind": "sequence", "steps": {"a": delegate(call())}, "output": "results.c"},
            "unknown_reference",
            "/plan/output",
            "here there is a",
        ),
        (
            delegate({"kind": "map", "items": "input", "do": call(), "reduce": call("join", n="results.item")}),
            "unknown_skill",
            "/plan/plan/reduce",
            "'join'",
        ),
        (
            delegate({"kind": "map", "items": "input", "do": call(), "reduce": call("list", n="results.item")}),
            "unknown_reference",
            "/plan/plan/reduce/input",
            "here there is items",
        ),
        (delegate({"kind": "map", "items": "input", "do": call(), "window": 5_000}), "window_too_large", "/plan", ""),
        (delegate(nested(40)), "plan_too_deep", "/plan", "limits.plan_depth"),
    ],
)
def test_what_a_plan_refers_to_must_be_there(data, code, pointer, words):
    with pytest.raises(InvalidInput) as caught:
        check_plan(parse_plan(data), TEAMS, Limits())
    assert (caught.value.code, caught.value.pointer) == (code, caught.value.pointer)
    assert caught.value.pointer.startswith(pointer)
    assert words in caught.value.message


def test_a_plan_has_a_limited_number_of_nodes_and_delegations():
    wide = {"kind": "parallel", "branches": {f"b{number}": delegate(call()) for number in range(6)}}
    with pytest.raises(InvalidInput, match="plan_nodes"):
        check_plan(parse_plan(wide), TEAMS, Limits(plan_nodes=10))
    with pytest.raises(InvalidInput, match="delegate_depth"):
        check_plan(parse_plan(delegate(delegate(call()))), TEAMS, Limits(delegate_depth=1))


@pytest.mark.parametrize(
    "data",
    [
        delegate({"kind": "map", "items": "input.all", "do": call(n="item", at="index", of="input.name")}),
        delegate({"kind": "map", "items": "input", "do": call(), "reduce": call("list", all="results.items")}),
        {"kind": "sequence", "steps": {"a": delegate(call()), "b": delegate(call(), input="results.a")}},
        {"kind": "parallel", "branches": {"a": delegate(call())}, "output": {"e": "errors.a", "r": "results.a"}},
        delegate(delegate(call("join"), team="analysts")),
    ],
)
def test_a_plan_that_refers_to_what_is_there_passes(data):
    check_plan(parse_plan(data), TEAMS, Limits())


def test_the_words_about_a_plan_are_bounded_however_long_its_names_are():
    with pytest.raises(InvalidInput) as caught:
        check_plan(parse_plan(delegate(call(n="x" * 10_000))), TEAMS, Limits())
    assert len(caught.value.message) < 1_000
