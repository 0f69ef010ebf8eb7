"""What was given up is done after all, and the end is as if it had never been given up."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warren.errors import InvalidInput
from warren.ids import child_id, depth_of, is_within
from warren.messages.outcome import ErrorInfo, Expired, Failed, Succeeded
from warren.messages.written import Success
from warren.patterns.machine import Settled
from warren.patterns.reopening import Place, Standing, reopening, revived


def ok(**output):
    return Succeeded(output=output)


def bad(message="broken"):
    return Failed(error=ErrorInfo(code="handler_error", message=message))


def call(**template):
    return {"kind": "call", "skill": "work", "input": template}


def mapped(**changes):
    return {"kind": "map", "items": "input.items", "do": call(n="item"), **changes}


def end_of(run, outcomes, path):
    """How a place of a run has ended; `outcomes` are the leaves' own."""
    return outcomes.get(path) if path in run.started else run.seats[path].outcome


def places_of(run, outcomes):
    """Where everything in a run stands."""
    places = {}
    for path in {*run.seats, *run.started}:
        outcome = end_of(run, outcomes, path)
        if isinstance(outcome, Success):
            standing = Standing.SUCCEEDED
        elif outcome is not None:
            standing = Standing.FAILED
        else:
            standing = Standing.STOPPED if path in run.started and path not in run.open else Standing.OPEN
            standing = Standing.STOPPED if run._is_stopped(path) else standing
        places[path] = Place(standing)
    places["p"] = Place(Standing.OPEN, is_owner=True)
    return places


def reopen(run, outcomes, tasks):
    """Open tasks again in a run, as the engine does it in a ledger. Returns those that are at work again."""
    places = places_of(run, outcomes)
    stopped = [path for path, place in places.items() if place.standing is Standing.STOPPED]
    while True:
        plan = reopening(tasks, places)
        again = revived(stopped, {*plan.ended, *plan.tasks})
        opened = {*plan.ended, *plan.tasks, *again}
        nodes = {path for path in opened | set(plan.heard) if path in run.seats and path not in run.started}
        steps, refused = {}, set()
        for path in nodes:
            machine, state = run._machine(path), copy.deepcopy(run.seats[path].state)
            for key in sorted(plan.heard.get(path, ())):
                try:
                    state = machine.reopen(state, [key])
                except InvalidInput:
                    refused.add(child_id(path, key))
            heard = [
                Settled(key, end_of(run, outcomes, child_id(path, key)))
                for key in machine.waiting(state)
                if child_id(path, key) not in opened and end_of(run, outcomes, child_id(path, key)) is not None
            ]
            steps[path] = state, heard
            if path in plan.heard and machine.advance(copy.deepcopy(state), heard).outcome is not None:
                refused.add(path)
        if not refused:
            break
        tasks = [task for task in plan.tasks if not any(is_within(task, path) for path in refused)]
    if plan.tasks:
        carry_out(run, outcomes, opened, steps)
    return plan.tasks


def carry_out(run, outcomes, opened, steps):
    for path in opened & set(steps):
        run.seats[path].outcome = None
    if run.seats["p/0"].outcome is None:
        run.outcome = None
    for path in sorted(opened & set(run.started)):
        outcomes.pop(path, None)
        run.open.append(path)
    for path, (state, _) in steps.items():
        run.seats[path].state = state
    for path in sorted(steps, key=depth_of, reverse=True):
        run._advance(path, steps[path][1])


def tell(run, outcomes, *pairs):
    for path, outcome in pairs:
        if path in run.open:
            outcomes[path] = outcome
    run.deliver(*pairs)


@pytest.mark.parametrize("outcome", [bad(), Expired(reason="late")])
def test_a_failed_step_of_a_sequence_runs_again_and_the_sequence_goes_on(begin, outcome):
    run, outcomes = begin({"kind": "sequence", "steps": {"a": call(), "b": call(n="results.a.n")}}), {}
    tell(run, outcomes, ("p/0/0", outcome))
    assert run.outcome == outcome
    assert reopen(run, outcomes, ["p/0/0"]) == ["p/0/0"]
    assert run.outcome is None
    tell(run, outcomes, ("p/0/0", ok(n=1)))
    assert run.started["p/0/1"] == {"n": 1}
    tell(run, outcomes, ("p/0/1", ok(n=2)))
    assert run.outcome == ok(n=2)


def test_the_branches_that_were_stopped_with_a_failed_one_run_again(begin):
    run, outcomes = begin({"kind": "parallel", "branches": {"a": call(), "b": call(), "c": call()}}), {}
    tell(run, outcomes, ("p/0/2", ok(n=3)))
    tell(run, outcomes, ("p/0/0", bad()))
    assert reopen(run, outcomes, ["p/0/0"]) == ["p/0/0"]
    assert run.open == ["p/0/0", "p/0/1"]
    tell(run, outcomes, ("p/0/1", ok(n=2)), ("p/0/0", ok(n=1)))
    assert run.outcome == ok(a={"n": 1}, b={"n": 2}, c={"n": 3})


def test_a_branch_cannot_run_again_alone_where_another_has_failed_too(begin):
    run, outcomes = begin({"kind": "parallel", "branches": {"a": call(), "b": call()}}), {}
    tell(run, outcomes, ("p/0/0", bad()), ("p/0/1", bad()))
    assert reopen(run, outcomes, ["p/0/0"]) == []
    assert run.outcome == bad()
    assert reopen(run, outcomes, ["p/0/0", "p/0/1"]) == ["p/0/0", "p/0/1"]
    tell(run, outcomes, ("p/0/1", ok()), ("p/0/0", ok()))
    assert run.outcome == ok(a={}, b={})


def test_a_tolerated_failure_can_be_mended_while_its_map_still_runs(begin):
    run, outcomes = begin(mapped(tolerate="all", reduce="sum"), items=[1, 2, 3]), {}
    tell(run, outcomes, ("p/0/0", bad()))
    tell(run, outcomes, ("p/0/1", ok(n=1)))
    assert reopen(run, outcomes, ["p/0/0"]) == ["p/0/0"]
    tell(run, outcomes, ("p/0/2", ok(n=1)))
    assert run.outcome is None
    tell(run, outcomes, ("p/0/0", ok(n=1)))
    assert run.outcome == ok(n=3)


def test_an_item_that_fails_again_is_counted_once(begin):
    run, outcomes = begin(mapped(tolerate=1), items=[1, 2]), {}
    for _ in range(3):
        tell(run, outcomes, ("p/0/0", bad("again")))
        assert reopen(run, outcomes, ["p/0/0"]) == ["p/0/0"]
    tell(run, outcomes, ("p/0/0", bad("at last")))
    tell(run, outcomes, ("p/0/1", ok(n=2)))
    assert run.outcome.output["failures"] == 1
    assert [failure["message"] for failure in run.outcome.output["failed"]] == ["at last"]


def test_a_failure_that_was_tolerated_stays_when_the_plan_has_gone_on(begin):
    steps = {"many": mapped(tolerate=1), "then": call()}
    run, outcomes = begin({"kind": "sequence", "steps": steps}, items=[1, 2]), {}
    tell(run, outcomes, ("p/0/0/0", bad()), ("p/0/0/1", ok()))
    assert "p/0/1" in run.started
    assert reopen(run, outcomes, ["p/0/0/0"]) == []
    tell(run, outcomes, ("p/0/1", bad()))
    assert reopen(run, outcomes, ["p/0/0/0", "p/0/1"]) == ["p/0/1"]


def test_an_item_cannot_run_again_while_the_others_are_reduced(begin):
    run, outcomes = begin(mapped(tolerate=1, reduce=call(all="results.items")), items=[1, 2]), {}
    tell(run, outcomes, ("p/0/0", bad()), ("p/0/1", ok()))
    assert reopen(run, outcomes, ["p/0/0"]) == []
    tell(run, outcomes, ("p/0/reduce", bad()))
    assert reopen(run, outcomes, ["p/0/0"]) == []
    assert reopen(run, outcomes, ["p/0/reduce"]) == ["p/0/reduce"]
    tell(run, outcomes, ("p/0/reduce", ok(n=1)))
    assert run.outcome.output["n"] == 1


def test_what_was_stopped_names_what_has_to_be_opened_for_it():
    failed, stopped = Place(Standing.FAILED), Place(Standing.STOPPED)
    places = {"p": Place(Standing.FAILED, is_owner=True), "p/0": failed, "p/0/0": failed, "p/0/1": stopped}
    places["p/0/1/4"] = stopped
    found = reopening(["p/0/1/4"], places)
    assert (found.tasks, found.needs) == ([], {"p/0/1/4": "p/0"})
    found = reopening(["p/0/1/4", "p/0/0"], places)
    assert (sorted(found.tasks), found.ended) == (["p/0/0", "p/0/1/4"], {"p", "p/0"})


def test_an_owner_that_ended_from_outside_opens_with_all_that_was_stopped_by_it():
    stopped = Place(Standing.STOPPED)
    places = {"p": Place(Standing.FAILED, is_owner=True), "p/0": stopped, "p/0/0": stopped, "p/0/1": stopped}
    found = reopening(["p/0/1"], places)
    assert (found.tasks, found.ended, found.heard) == (["p/0/1"], {"p"}, {})
    assert revived(["p/0/1", "p/0", "p/0/0", "q/0"], found.ended) == ["p/0", "p/0/0", "p/0/1"]


CALL = {"kind": "call", "skill": "work", "input": {"n": "input.n"}}


def composites(nodes):
    some = st.lists(nodes, min_size=1, max_size=3).map(lambda each: {f"s{n}": node for n, node in enumerate(each)})
    return st.one_of(
        some.map(lambda steps: {"kind": "sequence", "steps": steps}),
        st.tuples(some, st.sampled_from(["fail", "continue"])).map(
            lambda both: {"kind": "parallel", "branches": both[0], "on_error": both[1]}
        ),
        st.fixed_dictionaries(
            {"kind": st.just("map"), "items": st.sampled_from(["input.three", "input.five"])},
            optional={
                "window": st.integers(1, 4),
                "tolerate": st.sampled_from([0, 1, "all"]),
                "reduce": st.sampled_from(["collect", "count", CALL]),
            },
        ).flatmap(lambda node: nodes.map(lambda do: {**node, "do": do})),
    )


plans = st.recursive(st.just(CALL), composites, max_leaves=6)
DATA = {"n": 1, "three": [1, 2, 3], "five": [5, 4, 3, 2, 1]}


def without_words(value):
    match value:
        case {"status": _, "code": _, "message": _}:
            return {name: part for name, part in value.items() if name not in {"status", "code", "message"}}
        case dict():
            return {name: without_words(part) for name, part in value.items()}
        case list():
            return [without_words(part) for part in value]
        case _:
            return value


def result_of(path):
    return ok(n=len(path), **{path.replace("/", "_"): True})


def at_random(run, outcomes, random, fate):
    while run.outcome is None:
        assert run.open, "nothing is at work, and there is no end"
        batch = random.sample(run.open, random.randint(1, len(run.open)))
        tell(run, outcomes, *((path, fate(path)) for path in batch))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans, failing=st.integers(5, 80), random=st.randoms(use_true_random=False))
def test_what_was_opened_again_and_succeeds_leaves_no_trace_of_its_failure(begin, plan, failing, random):
    run, outcomes = begin(plan, **DATA), {}
    doomed = {}

    def fate(path):
        if doomed.setdefault(path, random.randrange(100) < failing):
            return bad(path)
        return result_of(path)

    at_random(run, outcomes, random, fate)
    while not isinstance(run.outcome, Succeeded):
        lost = [path for path, outcome in outcomes.items() if not isinstance(outcome, Succeeded)]
        again = reopen(run, outcomes, lost)
        assert again, "a project that failed can go on if all that failed is done again"
        doomed |= dict.fromkeys(again, False)
        at_random(run, outcomes, random, fate)
    tolerated = {path for path, outcome in outcomes.items() if not isinstance(outcome, Succeeded)}
    plain, heard = begin(plan, **DATA), {}
    at_random(plain, heard, random, lambda path: bad(path) if path in tolerated else result_of(path))
    assert without_words(run.outcome.model_dump()) == without_words(plain.outcome.model_dump())


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans, random=st.randoms(use_true_random=False))
def test_a_refused_reopening_changes_nothing(begin, plan, random):
    run, outcomes = begin(plan, **DATA), {}
    at_random(run, outcomes, random, lambda path: bad(path) if random.randrange(2) else result_of(path))
    lost = [path for path, outcome in outcomes.items() if not isinstance(outcome, Succeeded)]
    for path in lost:
        before = copy.deepcopy((run.outcome, run.open, {at: seat.state for at, seat in run.seats.items()}))
        if not reopen(run, outcomes, [path]):
            assert (run.outcome, run.open, {at: seat.state for at, seat in run.seats.items()}) == before
