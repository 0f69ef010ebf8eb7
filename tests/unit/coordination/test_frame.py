"""What is remembered of plans is bounded, in number and in size."""

from warren.coordination.frame import Frame, Frames
from warren.patterns.plan import parse_plan

WORK = {"kind": "call", "skill": "work", "input": {}}
PLAN = parse_plan(WORK)


def frame(owner, length=1):
    return Frame(owner, PLAN, {}, length)


def kept(frames, owners):
    """Of these owners, those whose frame is still there."""
    return [owner for owner in owners if frames.take(owner, lambda: None) is not None]


def test_the_frames_that_were_used_last_are_kept():
    frames = Frames(capacity=2)
    for owner in "abca":
        frames.keep(frame(owner))
    assert kept(frames, "abc") == ["a", "c"]


def test_large_inputs_push_out_others_before_there_are_many():
    frames = Frames(capacity=64, room=10)
    for owner, length in {"a": 4, "b": 4, "c": 5}.items():
        frames.keep(frame(owner, length))
    assert kept(frames, "abc") == ["b", "c"]


def test_the_last_one_is_kept_however_large_its_input_is():
    frames = Frames(capacity=64, room=10)
    frames.keep(frame("a", 4))
    frames.keep(frame("b", 400))
    assert kept(frames, "ab") == ["b"]


async def test_what_a_plan_has_read_of_its_tasks_counts_as_long_as_a_node_works_with_it(office, result_of):
    each = {"kind": "map", "items": "results.list.items", "do": WORK}
    await office.begin(
        {"kind": "sequence", "steps": {"list": WORK, "each": {"kind": "sequence", "steps": {"a": each}}}}
    )
    [remembered] = (await office.settle(result_of("/0/0", items=["x" * 1_000] * 50))).frames
    assert 50_000 < remembered.length < 60_000
    office.restart()
    [remembered] = (await office.settle(result_of("/0/1/0/0"))).frames
    assert 50_000 < remembered.length < 60_000
    remembered.forget_below("/".join(remembered.owner.split("/")[:1]))
    assert remembered.length < 1_000


def test_owners_of_the_same_plan_share_it():
    frames = Frames(capacity=2)
    text = '{"kind":"call","skill":"work"}'
    first = frames.plan(text)
    assert frames.plan(text) is first
    for other in ("more", "most"):
        frames.plan(text.replace("work", other))
    assert frames.plan(text) is not first
    assert frames.plan(text) == first
