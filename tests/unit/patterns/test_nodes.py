"""Each pattern, told of outcomes by hand."""

import pytest

from warren.messages.outcome import Cancelled, ErrorInfo, Expired, Failed, Succeeded
from warren.patterns.plan import parse_plan


def ok(**output):
    return Succeeded(output=output)


def bad(message="broken", code="handler_error"):
    return Failed(error=ErrorInfo(code=code, message=message))


def call(skill="work", **template):
    return {"kind": "call", "skill": skill, "input": template}


def mapped(**changes):
    return {"kind": "map", "items": "input.items", "do": call(n="item"), **changes}


def test_a_call_gets_what_its_template_makes_of_the_input(begin):
    run = begin(call(a="input.x", b="'text'", c={"d": ["input.y", 5]}), x=1, y=2)
    assert run.started == {"p/0": {"a": 1, "b": "text", "c": {"d": [2, 5]}}}
    run.deliver(("p/0", ok(done=True)))
    assert run.outcome == ok(done=True)


def test_a_leaf_has_no_machine():
    with pytest.raises(TypeError, match="carried out elsewhere"):
        parse_plan(call()).machine({}, None)


def test_the_steps_of_a_sequence_start_one_after_the_other_and_see_the_results_before_them(begin):
    run = begin({"kind": "sequence", "steps": {"a": call(n="input.n"), "b": call(n="results.a.n")}}, n=1)
    assert run.started == {"p/0/0": {"n": 1}}
    run.deliver(("p/0/0", ok(n=7)))
    assert run.started["p/0/1"] == {"n": 7}
    run.deliver(("p/0/1", ok(n=8)))
    assert run.outcome == ok(n=8)


def test_a_sequence_may_say_what_its_output_is(begin):
    steps = {"a": call(), "b": call()}
    run = begin({"kind": "sequence", "steps": steps, "output": {"both": ["results.a.n", "results.b.n"]}})
    run.deliver(("p/0/0", ok(n=1)))
    run.deliver(("p/0/1", ok(n=2)))
    assert run.outcome == ok(both=[1, 2])


@pytest.mark.parametrize("outcome", [bad(), Cancelled(reason="no"), Expired(reason="late")])
def test_a_sequence_ends_as_the_step_that_did_not_succeed(begin, outcome):
    run = begin({"kind": "sequence", "steps": {"a": call(), "b": call()}})
    run.deliver(("p/0/0", outcome))
    assert run.outcome == outcome
    assert list(run.started) == ["p/0/0"]


def test_a_sequence_whose_output_is_no_object_fails_with_the_reason(begin):
    run = begin({"kind": "sequence", "steps": {"a": call()}, "output": "results.a.n"})
    run.deliver(("p/0/0", ok(n=1)))
    assert run.outcome.error.code == "not_an_object"


def test_a_sequence_in_a_sequence_sees_the_outer_results(begin):
    inner = {"kind": "sequence", "steps": {"b": call(n="results.a.n")}}
    run = begin({"kind": "sequence", "steps": {"a": call(), "inner": inner}})
    run.deliver(("p/0/0", ok(n=3)))
    assert run.started["p/0/1/0"] == {"n": 3}


def test_parallel_starts_all_branches_and_gives_an_output_by_name_in_their_order(begin):
    run = begin({"kind": "parallel", "branches": {"z": call(), "a": call()}})
    run.deliver(("p/0/1", ok(n=2)))
    assert run.outcome is None
    run.deliver(("p/0/0", ok(n=1)))
    assert list(run.outcome.output.items()) == [("z", {"n": 1}), ("a", {"n": 2})]


def test_parallel_ends_with_the_first_branch_that_fails(begin):
    run = begin({"kind": "parallel", "branches": {"a": call(), "b": call()}})
    run.deliver(("p/0/1", bad("b broke")))
    assert run.outcome == bad("b broke")
    assert run.open == []


@pytest.mark.parametrize("order", [("p/0/0", "p/0/2"), ("p/0/2", "p/0/0")])
def test_parallel_that_goes_on_lists_its_errors_in_the_order_of_the_branches(begin, order):
    run = begin({"kind": "parallel", "on_error": "continue", "branches": {"a": call(), "b": call(), "c": call()}})
    for path in order:
        run.deliver((path, bad(path)))
    run.deliver(("p/0/1", ok(n=1)))
    errors = run.outcome.output["errors"]
    assert list(errors.items()) == [
        ("a", {"status": "failed", "code": "handler_error", "message": "p/0/0"}),
        ("c", {"status": "failed", "code": "handler_error", "message": "p/0/2"}),
    ]
    assert run.outcome.output["b"] == {"n": 1}


def test_the_output_of_parallel_sees_results_and_errors(begin):
    output = {"n": "results.a.n", "why": "errors.b.message"}
    run = begin({"kind": "parallel", "on_error": "continue", "branches": {"a": call(), "b": call()}, "output": output})
    run.deliver(("p/0/0", ok(n=1)), ("p/0/1", bad("no")))
    assert run.outcome == ok(n=1, why="no")


def test_a_branch_named_errors_is_refused_where_errors_are_listed():
    with pytest.raises(ValueError, match="errors"):
        parse_plan({"kind": "parallel", "on_error": "continue", "branches": {"errors": call()}})


def test_map_gives_each_item_with_its_index_and_collects_in_the_order_of_the_items(begin):
    run = begin(mapped(do=call(n="item", at="index")), items=["x", "y"])
    assert run.started == {"p/0/0": {"n": "x", "at": 0}, "p/0/1": {"n": "y", "at": 1}}
    run.deliver(("p/0/1", ok(n=2)))
    run.deliver(("p/0/0", ok(n=1)))
    assert run.outcome == ok(items=[{"n": 1}, {"n": 2}])


def test_map_over_nothing_ends_at_once(begin):
    assert begin(mapped(), items=[]).outcome == ok(items=[])


@pytest.mark.parametrize(
    ("data", "found"), [({}, "null"), ({"items": {"a": 1}}, "an object"), ({"items": 5}, "a number")]
)
def test_map_over_something_that_is_no_list_fails_with_the_reason(begin, data, found):
    outcome = begin(mapped(), **data).outcome
    assert outcome.error.code == "items_not_a_list"
    assert outcome.error.message.endswith(found)


def test_map_never_has_more_than_its_window_open_and_starts_another_for_each_that_ends(begin):
    run = begin(mapped(window=2), items=list(range(5)))
    assert run.open == ["p/0/0", "p/0/1"]
    run.deliver(("p/0/1", ok()))
    assert run.open == ["p/0/0", "p/0/2"]
    run.deliver(("p/0/0", ok()), ("p/0/2", ok()), ("p/0/2", ok()))
    assert run.open == ["p/0/3", "p/0/4"]


def test_map_in_chunks_gives_lists_of_items(begin):
    run = begin(mapped(chunk=2), items=[1, 2, 3])
    assert [data["n"] for data in run.started.values()] == [[1, 2], [3]]


@pytest.mark.parametrize(
    ("reducer", "output"),
    [
        ("collect", {"items": [{"n": 1, "t": "a"}, {"n": 2, "t": "b"}, {"n": 2, "t": "b"}]}),
        ("count", {"count": 3}),
        ("merge", {"n": 2, "t": "b"}),
        ("sum", {"n": 5}),
        ("majority", {"value": {"n": 2, "t": "b"}, "votes": 2, "of": 3}),
    ],
)
def test_map_reduces(begin, reducer, output):
    run = begin(mapped(reduce=reducer), items=[1, 2, 3])
    run.deliver(("p/0/2", ok(n=2, t="b")), ("p/0/1", ok(n=2, t="b")), ("p/0/0", ok(n=1, t="a")))
    assert run.outcome == Succeeded(output=output)


@pytest.mark.parametrize(
    "numbers", [[1e308, 1e308], [-1e308, -1e308], [10**400, 0.5], [0.5, 10**400], [10**4299 * 9] * 2]
)
def test_a_sum_that_is_no_number_of_json_fails(begin, numbers):
    run = begin(mapped(reduce="sum"), items=[1, 2])
    run.deliver(*((f"p/0/{place}", ok(n=number)) for place, number in enumerate(numbers)))
    assert run.outcome.error.code == "number_too_large"


def test_a_majority_agrees_whatever_the_order_of_names_at_any_depth(begin):
    run = begin(mapped(reduce="majority"), items=[1, 2, 3])
    same = [ok(v={"a": 1, "b": [{"c": 2, "d": 3}]}), ok(v={"b": [{"d": 3, "c": 2}], "a": 1})]
    run.deliver(("p/0/0", ok(v=1)), *zip(("p/0/1", "p/0/2"), same, strict=True))
    assert run.outcome == Succeeded(output={"value": {"v": {"a": 1, "b": [{"c": 2, "d": 3}]}}, "votes": 2, "of": 3})


@pytest.mark.parametrize("reducer", ["collect", "merge"])
def test_what_would_be_larger_than_a_message_is_not_put_together(begin, reducer):
    run = begin(mapped(reduce=reducer), items=[0, 1, 2], limit_bytes=1_000)
    run.deliver(*((f"p/0/{n}", ok(**{f"text{n}": "x" * 400})) for n in range(3)))
    assert run.outcome.error.code == "message_too_large"


@pytest.mark.parametrize(("reducer", "found"), [("count", 3), ("sum", 6), ("majority", 1), ("merge", "x" * 900)])
def test_what_gives_little_may_be_made_of_more_than_a_message(begin, reducer, found):
    run = begin(mapped(reduce=reducer), items=[0, 1, 2], limit_bytes=1_000)
    run.deliver(*((f"p/0/{n}", ok(t="x" * 900, n=n + 1)) for n in range(3)))
    output = run.outcome.output
    assert output["votes" if reducer == "majority" else {"count": "count", "sum": "n", "merge": "t"}[reducer]] == found


def test_a_reducing_node_sees_a_few_messages_at_once_and_no_more(begin):
    count = {"kind": "call", "skill": "work", "input": {"n": "length(results.items)"}}
    for size, started in ((900, True), (1_100, False)):
        run = begin(mapped(reduce=count), items=[0, 1, 2, 3], limit_bytes=1_000)
        run.deliver(*((f"p/0/{n}", ok(t="x" * size)) for n in range(4)))
        assert ("p/0/reduce" in run.started) is started
    assert run.outcome.error.code == "message_too_large"


def test_a_step_sees_the_results_of_many_steps_as_far_as_they_are_a_few_messages(begin):
    run = begin({"kind": "sequence", "steps": {f"s{n}": call() for n in range(8)}}, limit_bytes=1_000)
    for n in range(5):
        run.deliver((f"p/0/{n}", ok(t="x" * 900)))
    assert run.outcome.error.code == "message_too_large"
    assert list(run.started) == [f"p/0/{n}" for n in range(5)]


def test_branches_that_are_larger_than_a_message_together_fail(begin):
    run = begin({"kind": "parallel", "branches": {"a": call(), "b": call()}}, n=1, limit_bytes=1_000)
    run.deliver(("p/0/0", ok(t="x" * 600)), ("p/0/1", ok(t="x" * 600)))
    assert run.outcome.error.code == "message_too_large"


@pytest.mark.parametrize(
    ("reducer", "output"),
    [
        ("collect", {"items": []}),
        ("count", {"count": 0}),
        ("merge", {}),
        ("sum", {}),
        ("majority", {"value": None, "votes": 0, "of": 0}),
    ],
)
def test_reducers_have_an_answer_for_nothing(begin, reducer, output):
    assert begin(mapped(reduce=reducer), items=[]).outcome == Succeeded(output=output)


def test_a_node_reduces_what_all_items_gave(begin):
    run = begin(mapped(reduce=call("join", all="results.items", of="input.name")), items=[1, 2], name="me")
    run.deliver(("p/0/1", ok(n=2)))
    run.deliver(("p/0/0", ok(n=1)))
    assert run.started["p/0/reduce"] == {"all": [{"n": 1}, {"n": 2}], "of": "me"}
    run.deliver(("p/0/0", ok(n=1)), ("p/0/reduce", ok(whole=3)))
    assert run.outcome == ok(whole=3)


def test_a_node_reduces_nothing_too(begin):
    run = begin(mapped(reduce=call("join", all="results.items")), items=[])
    assert run.started == {"p/0/reduce": {"all": []}}


def test_map_fails_with_the_first_item_that_fails(begin):
    run = begin(mapped(), items=[1, 2, 3])
    run.deliver(("p/0/1", bad("no")))
    assert run.outcome.error.code == "map_failed"
    assert "item 1" in run.outcome.error.message
    assert run.open == []


@pytest.mark.parametrize("order", [("p/0/2", "p/0/0"), ("p/0/0", "p/0/2")])
def test_map_lists_tolerated_failures_in_the_order_of_the_items(begin, order):
    run = begin(mapped(tolerate=2), items=[1, 2, 3])
    for path in order:
        run.deliver((path, bad(path)))
    run.deliver(("p/0/1", ok(n=1)))
    assert run.outcome.output["items"] == [{"n": 1}]
    assert run.outcome.output["failures"] == 2
    assert [(each["index"], each["message"]) for each in run.outcome.output["failed"]] == [(0, "p/0/0"), (2, "p/0/2")]


def test_map_lists_the_lowest_of_many_failures_whichever_came_first(begin):
    run = begin(mapped(tolerate="all"), items=list(range(150)))
    for index in reversed(range(150)):
        run.deliver((f"p/0/{index}", bad()))
    assert run.outcome.output["failures"] == 150
    assert [each["index"] for each in run.outcome.output["failed"]] == list(range(100))


def test_map_ends_when_more_fail_than_it_tolerates(begin):
    run = begin(mapped(tolerate=1), items=[1, 2, 3])
    run.deliver(("p/0/0", bad()))
    assert run.outcome is None
    run.deliver(("p/0/1", Expired(reason="late")))
    assert "2 items" in run.outcome.error.message


def test_a_failing_item_counts_once_however_often_it_is_heard(begin):
    run = begin(mapped(tolerate=1), items=[1, 2, 3])
    for _ in range(3):
        run.deliver(("p/0/1", bad()), ("p/0/1", bad()))
    assert run.outcome is None


def test_an_item_that_cannot_begin_is_an_item_that_failed(begin):
    run = begin(mapped(do={"kind": "call", "skill": "work", "input": "item"}, tolerate=1), items=[{"a": 1}, 5])
    assert list(run.started) == ["p/0/0"]
    run.deliver(("p/0/0", ok()))
    assert run.outcome.output["failed"][0]["code"] == "not_an_object"


def test_maps_in_maps_see_their_own_item(begin):
    inner = {"kind": "map", "items": "item", "do": call(n="item", at="index"), "reduce": "sum"}
    run = begin(mapped(do=inner), items=[[1, 2], [], [3]])
    assert [data["n"] for data in run.started.values()] == [1, 2, 3]
    run.deliver(*((path, ok(n=1)) for path in list(run.started)))
    assert run.outcome == ok(items=[{"n": 2}, {}, {"n": 1}])


def test_a_delegate_gives_the_whole_input_unless_told_otherwise(begin):
    plan = {"kind": "delegate", "team": "scouts", "plan": call()}
    assert begin(plan, a=1).started == {"p/0": {"a": 1}}
    assert begin({**plan, "input": {"b": "input.a"}}, a=1).started == {"p/0": {"b": 1}}


@pytest.mark.parametrize("extra", [{}, {"plan": call(), "playbook": "p"}])
def test_a_delegate_has_either_a_plan_or_a_playbook(extra):
    with pytest.raises(ValueError, match="either"):
        parse_plan({"kind": "delegate", "team": "scouts", **extra})


def test_a_delegate_whose_input_is_no_object_fails(begin):
    run = begin({"kind": "delegate", "team": "scouts", "input": "input.a", "plan": call()}, a=[1])
    assert run.outcome.error.code == "not_an_object"
