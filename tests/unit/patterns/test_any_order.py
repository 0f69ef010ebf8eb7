"""Random plans, random outcomes: any order, any duplication and any batching lead to the same end."""

from dataclasses import dataclass
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warren.messages.outcome import Cancelled, ErrorInfo, Expired, Failed, Succeeded

CALL = {"kind": "call", "skill": "work", "input": {"n": "input.n"}}
ITEMS = {"kind": "call", "skill": "work", "input": {"n": "item", "i": "index"}}

calls = st.just(CALL)


def composites(nodes):
    some = st.lists(nodes, min_size=1, max_size=3).map(lambda each: {f"s{n}": node for n, node in enumerate(each)})
    return st.one_of(
        some.map(lambda steps: {"kind": "sequence", "steps": steps}),
        some.map(lambda steps: {"kind": "sequence", "steps": steps, "output": {"last": f"results.s{len(steps) - 1}"}}),
        st.tuples(some, st.sampled_from(["fail", "continue"])).map(
            lambda both: {"kind": "parallel", "branches": both[0], "on_error": both[1]}
        ),
        st.fixed_dictionaries(
            {"kind": st.just("map"), "items": st.sampled_from(["input.three", "input.none", "input.five"])},
            optional={
                "window": st.integers(1, 4),
                "chunk": st.integers(1, 3),
                "tolerate": st.sampled_from([0, 1, "all"]),
                "reduce": st.sampled_from(["collect", "sum", "count", "merge", CALL]),
            },
        ).flatmap(lambda node: (nodes | st.just(ITEMS)).map(lambda do: {**node, "do": do})),
        st.just({"kind": "map", "items": "input.missing", "do": CALL}),
    )


plans = st.recursive(calls, composites, max_leaves=7)
DATA = {"n": 1, "three": [1, 2, 3], "none": [], "five": [5, 4, 3, 2, 1]}


@dataclass(frozen=True)
class Fate:
    """What becomes of each leaf, decided by its path alone, so that every schedule meets the same outcomes."""

    seed: int
    failing: int
    """Of a hundred leaves, about so many end badly."""

    def of(self, path):
        number = crc32(f"{self.seed} {path}".encode()) % 10_000
        if number % 100 >= self.failing:
            return Succeeded(output={"n": number % 7, path.replace("/", "_"): True})
        return (
            Failed(error=ErrorInfo(code="broken", message=path)),
            Cancelled(reason=path),
            Expired(reason=path),
        )[number // 100 % 3]


fates = st.builds(Fate, st.integers(0, 10**6), st.sampled_from([0, 0, 20, 100]))


def in_order(run, fate):
    """The plainest schedule: the oldest leaf first, one at a time."""
    while run.outcome is None:
        path = run.open[0]
        run.deliver((path, fate.of(path)))
    return run


def at_random(run, fate, random):
    """Batches of any size, in any order, with anything repeated, also what was heard long ago."""
    while run.outcome is None:
        fresh = random.sample(run.open, random.randint(1, len(run.open)))
        known = [path for path in run.started if path not in run.open]
        old = random.choices(known, k=random.randint(0, 3)) if known else []
        twice = random.choices(fresh, k=random.randint(0, 2))
        batch = [*fresh, *old, *twice]
        random.shuffle(batch)
        while batch:
            size = random.randint(1, len(batch))
            run.deliver(*((path, fate.of(path)) for path in batch[:size]))
            del batch[:size]
    return run


def without_words(value):
    """An output without the words of tolerated failures: what fails fast ends as the first that failed."""
    match value:
        case {"status": _, "code": _, "message": _}:
            return {name: part for name, part in value.items() if name not in {"status", "code", "message"}}
        case dict():
            return {name: without_words(part) for name, part in value.items()}
        case list():
            return [without_words(part) for part in value]
        case _:
            return value


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans, fate=fates, random=st.randoms(use_true_random=False))
def test_any_order_and_any_duplication_lead_to_the_same_end(begin, plan, fate, random):
    plain = in_order(begin(plan, **DATA), fate)
    other = at_random(begin(plan, **DATA), fate, random)
    assert isinstance(other.outcome, Succeeded) == isinstance(plain.outcome, Succeeded)
    if isinstance(plain.outcome, Succeeded):
        assert without_words(other.outcome.output) == without_words(plain.outcome.output)
        assert list(other.outcome.output) == list(plain.outcome.output)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans, seed=st.integers(0, 10**6), random=st.randoms(use_true_random=False))
def test_without_failures_the_same_leaves_start_with_the_same_inputs(begin, plan, seed, random):
    fate = Fate(seed, 0)
    plain = in_order(begin(plan, **DATA), fate)
    other = at_random(begin(plan, **DATA), fate, random)
    assert type(other.outcome) is type(plain.outcome)
    if isinstance(plain.outcome, Succeeded):  # what fails fast ends as the first that failed
        assert (other.outcome, other.started) == (plain.outcome, plain.started)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plan=plans, fate=fates, random=st.randoms(use_true_random=False))
def test_machines_that_are_made_anew_at_every_step_do_the_same(begin, plan, fate, random):
    state = random.getstate()
    kept = at_random(begin(plan, **DATA), fate, random)
    random.setstate(state)
    run = begin(plan)  # replaced below: this one only shows what a run is
    anew = type(run)(plan, DATA, forgetful=True).begin()
    at_random(anew, fate, random)
    assert (anew.outcome, anew.started) == (kept.outcome, kept.started)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    count=st.integers(0, 40),
    window=st.integers(1, 9),
    tolerate=st.sampled_from([3, "all"]),
    fate=fates,
    random=st.randoms(use_true_random=False),
)
def test_a_window_is_never_exceeded_and_always_used(begin, count, window, tolerate, fate, random):
    plan = {"kind": "map", "items": "input.l", "do": ITEMS, "window": window, "tolerate": tolerate}
    run = begin(plan, l=list(range(count)))
    while run.outcome is None:
        assert len(run.open) == min(window, count - (len(run.started) - len(run.open)))
        path = random.choice(run.open)
        run.deliver((path, fate.of(path)))
    assert run.most_open <= window


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
def test_the_fates_of_the_properties_really_happen(status):
    assert status in {Fate(1, 100).of(f"p/0/{number}").status for number in range(50)}
