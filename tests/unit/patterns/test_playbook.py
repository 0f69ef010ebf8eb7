"""Playbooks: what a file may say, how one names another, what an input must be."""

import pytest

from topology.limits import Limits
from warren.errors import InvalidInput
from warren.patterns.plan import dump_plan, parse_plan
from warren.patterns.playbook import Playbooks, load_playbook, parse_playbook

TEAMS = {"scouts": frozenset({"work"}), "analysts": frozenset({"join"})}
CALL = {"kind": "call", "skill": "work"}
FAN = {"kind": "delegate", "team": "scouts", "plan": CALL}


def playbook(name="fan", plan=None, **schema):
    return parse_playbook({"name": name, "input": schema, "plan": plan or FAN}, f"{name}.yaml")


def named(name, team="scouts", **changes):
    return {"kind": "delegate", "team": team, "playbook": name, **changes}


def test_a_playbook_is_read_from_yaml(tmp_path):
    path = tmp_path / "fan.yaml"
    path.write_text(
        "name: fan\ndescription: Fans out\nplan: {kind: delegate, team: scouts, plan: {kind: call, skill: work}}\n"
    )
    found = load_playbook(path)
    assert (found.name, found.description, found.plan) == ("fan", "Fans out", parse_plan(FAN))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"name: fan\nplan: [", ":2: is not YAML"),
        (b"\xff\xfe\xfa", "not UTF-8"),
        (b"[]", "start with `name:`"),
        (b"name: fan", "is missing; add it (at /plan)"),
        (b"name: A B\nplan: {kind: call, skill: a}", "must be made of a-z"),
        (b"name: fan\nplan: {kind: mapp}", ":2: the plan cannot be used: kind 'mapp' is unknown; there are call,"),
        (b"name: fan\nplan: {kind: mapp}", "did you mean map?"),
        (b"name: fan\nplan: {kind: call}", "/plan/skill"),
        (b"name: fan\ninput: {type: 5}\nplan: {kind: call, skill: a}", "/input/type"),
        (b"name: fan\ninput: {properties: {a: {pattern: '('}}}\nplan: {kind: call, skill: a}", "regex"),
        (b"name: fan\nmore: 1\nplan: {kind: call, skill: a}", "/more"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_name(tmp_path, text, words):
    path = tmp_path / "fan.yaml"
    path.write_bytes(text)
    with pytest.raises(InvalidInput) as caught:
        load_playbook(path)
    assert caught.value.code == "playbook_invalid"
    assert str(path) in caught.value.message
    assert words in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"missing\.yaml"):
        load_playbook(tmp_path / "missing.yaml")


def test_defaults_of_the_schema_are_put_in_where_the_input_says_nothing():
    found = playbook(properties={"a": {"default": 1}, "b": {"default": 2}, "c": True, "d": False})
    assert found.with_defaults({"b": 3}) == {"a": 1, "b": 3}


def test_an_input_that_does_not_fit_is_refused_with_its_place():
    found = playbook(properties={"list": {"type": "array", "items": {"type": "integer"}}}, required=["list"])
    found.validate_input({"list": [1]})
    for data, pointer in (({}, "/input"), ({"list": [1, "x"]}, "/input/list/1")):
        with pytest.raises(InvalidInput) as caught:
            found.validate_input(data)
        assert (caught.value.code, caught.value.pointer) == ("input_invalid", pointer)


def test_the_words_about_a_large_input_are_short():
    with pytest.raises(InvalidInput) as caught:
        playbook(properties={"a": {"type": "integer"}}).validate_input({"a": "long" * 100_000})
    assert len(caught.value.message) < 1_000


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}},
        {"$defs": {"deep": {"items": {"$ref": "#/$defs/deep"}}}, "properties": {"b": {"$ref": "#/$defs/deep"}}},
    ],
)
def test_a_schema_that_cannot_be_applied_ends_in_an_error_and_not_in_a_crash(schema):
    deep = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(InvalidInput) as caught:
        playbook(**schema).validate_input({"a": "x", "b": deep})
    assert caught.value.code == "input_invalid"


def test_a_playbook_takes_the_place_of_its_name_at_every_depth():
    inner = playbook("inner", CALL)
    outer = {
        "kind": "sequence",
        "steps": {
            "a": named("inner", timeout_s=5.0, input={"x": "input"}),
            "b": {"kind": "parallel", "branches": {"c": named("inner"), "d": FAN}},
            "e": {"kind": "map", "items": "input.l", "do": named("inner"), "reduce": named("inner")},
            "f": {"kind": "delegate", "team": "analysts", "plan": named("inner")},
        },
    }
    books = Playbooks([inner], TEAMS, Limits())
    ready = dump_plan(books.ready(parse_plan(outer)))
    assert "playbook" not in str(ready)
    assert ready["steps"]["a"] == dump_plan(parse_plan({**FAN, "timeout_s": 5.0, "input": {"x": "input"}}))
    assert books.ready(parse_plan(named("inner"))) == parse_plan(FAN)


def test_an_input_template_with_the_words_of_a_delegate_is_no_delegate():
    plan = parse_plan({**FAN, "input": {"x": {"kind": "delegate", "playbook": "inner"}}})
    books = Playbooks([playbook("inner", CALL)], TEAMS, Limits())
    with pytest.raises(InvalidInput) as caught:
        books.ready(plan)
    assert caught.value.code == "unknown_reference"


def test_a_playbook_that_only_serves_inside_a_delegate_is_not_ready_on_its_own():
    books = Playbooks([playbook("inner", CALL), playbook("outer", named("inner"))], TEAMS, Limits())
    assert books.ready_or_none("inner") is None
    assert books.ready_or_none("outer") == parse_plan(FAN)
    with pytest.raises(InvalidInput) as caught:
        books.ready(books["inner"].plan)
    assert caught.value.code == "call_without_team"


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        ({"a": named("a")}, "'a' delegates to itself"),
        ({"a": named("b"), "b": named("a")}, "delegates to itself"),
        ({"a": named("b")}, "no playbook 'b'"),
        ({"a": {**FAN, "plan": {"kind": "call", "skill": "fly"}}}, "no skill 'fly'"),
    ],
)
def test_a_playbook_that_cannot_work_is_refused_before_any_project_needs_it(plans, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        Playbooks([playbook(name, plan) for name, plan in plans.items()], TEAMS, Limits())
    assert caught.value.code == "playbook_invalid"


def test_two_playbooks_of_one_name_are_refused_with_both_files(tmp_path):
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text("# welcome\nname: fan\nplan: {kind: call, skill: work}\n")
    books = [load_playbook(tmp_path / f"{name}.yaml") for name in ("first", "second")]
    with pytest.raises(InvalidInput, match=r"second\.yaml:2: the playbook at .*first\.yaml:2 is called fan, too"):
        Playbooks(books, TEAMS, Limits())


def test_a_plan_that_cannot_work_is_refused_with_its_file_and_line(tmp_path):
    path = tmp_path / "fan.yaml"
    path.write_text("name: fan\nplan:\n  kind: delegate\n  team: scouts\n  plan:\n    kind: call\n    skill: fly\n")
    with pytest.raises(InvalidInput, match=r"fan\.yaml:[5-7]: fan: .*no skill 'fly'"):
        Playbooks([load_playbook(path)], TEAMS, Limits())


def test_an_unknown_playbook_is_refused_with_the_known_ones():
    books = Playbooks([playbook()], TEAMS, Limits())
    assert books.names() == ["fan"]
    with pytest.raises(InvalidInput, match="there are: fan") as caught:
        books["nope"]
    assert (caught.value.code, caught.value.pointer) == ("unknown_playbook", "/playbook")


def test_a_field_that_stands_where_the_words_of_a_schema_stand_is_told_its_place():
    data = {"name": "a", "input": {"type": "object", "guests": {"type": "array"}}, "plan": FAN}
    with pytest.raises(InvalidInput, match="stands below `properties:`") as caught:
        parse_playbook(data, "a.yaml")
    assert caught.value.pointer == "/input/guests"


def test_a_misspelt_key_of_a_playbook_is_told_what_it_may_have_meant():
    with pytest.raises(InvalidInput, match="'inputs' is no key; did you mean 'input'"):
        parse_playbook({"name": "a", "inputs": {}, "plan": FAN}, "a.yaml")
