"""Plans that strangers bring along: whatever they refer to must be there, and whatever they demand must be bearable."""

import json

import pytest

ECHO = {"kind": "call", "skill": "echo", "input": {"text": "input.text"}}


def delegated(plan, **more):
    return {"kind": "delegate", "team": "scouts", "plan": plan, **more}


def sequence(**steps):
    return {"kind": "sequence", "steps": steps}


def nested(plan, levels):
    for _ in range(levels):
        plan = sequence(a=plan)
    return plan


UNUSABLE = {
    "an unknown skill": (delegated({**ECHO, "skill": "eco"}), "unknown_skill", "/plan/plan", "echo"),
    "an unknown team": ({**delegated(ECHO), "team": "scout"}, "unknown_team", "/plan", "scouts"),
    "a call without a team": (ECHO, "call_without_team", "/plan", "delegate"),
    "a delegate to an unknown playbook": (
        {"kind": "delegate", "team": "scouts", "playbook": "eco"},
        "unknown_playbook",
        "/playbook",
        "echo",
    ),
    "a step that comes later": (
        delegated(sequence(a={**ECHO, "input": {"text": "results.b.text"}}, b=ECHO)),
        "unknown_reference",
        "/plan/plan/steps/a/input",
        "'b'",
    ),
    "a name that is nothing": (
        delegated({**ECHO, "input": {"text": "output.text"}}),
        "unknown_reference",
        "/plan/plan/input",
        "input",
    ),
    "an unknown kind": (delegated({"kind": "shell", "command": "id"}), "plan_invalid", "/plan/plan", "call"),
    "no kind": ({}, "plan_invalid", "/plan", "kind"),
    "a field nobody knows": (
        delegated({**ECHO, "skil": 1}),
        "plan_invalid",
        "/plan/plan/skil",
        "did you mean 'skill'?",
    ),
    "no steps": (delegated(sequence()), "plan_invalid", "/plan/plan/steps", "at least 1"),
    "an expression that is none": (
        delegated({**ECHO, "input": {"text": "input.["}}),
        "plan_invalid",
        "/plan/plan/input",
        "JMESPath",
    ),
    "too many levels": (delegated(nested(ECHO, 40)), "plan_too_deep", "/plan/plan/steps/a", "limits.plan_depth"),
    "too large a window": (
        {"kind": "map", "items": "input.items", "window": 10**9, "do": delegated(ECHO)},
        "window_too_large",
        "/plan",
        "limits.window",
    ),
    "no time": (delegated({**ECHO, "timeout_s": -1}), "plan_invalid", "/plan/plan/timeout_s", "greater than 0"),
}
BOMBS = {
    "an expression of nested brackets": delegated({**ECHO, "input": {"text": "(" * 50_000 + "input" + ")" * 50_000}}),
    "an expression of nested lists": delegated({**ECHO, "input": {"text": "[" * 5_000 + "input" + "]" * 5_000}}),
    "an expression of negations": delegated({**ECHO, "input": {"text": "!" * 50_000 + "input"}}),
    "an endless path": delegated({**ECHO, "input": {"text": "input" + ".a" * 100_000}}),
    "an endless pipe in short": delegated({**ECHO, "input": {"text": "input" + "|@" * 900}}),
    "an endless pipe": delegated({**ECHO, "input": {"text": "input" + " | input" * 20_000}}),
    "an expression that is no text": delegated({**ECHO, "input": {"text": "`" + "[" * 5_000 + "`"}}),
    "nested to the parser's limit": nested(delegated(ECHO), 60),
    "more nodes than there may be": delegated(sequence(**{f"s{n}": ECHO for n in range(10_001)})),
}


@pytest.mark.parametrize(("plan", "code", "pointer", "word"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_plan_that_cannot_work_is_refused_before_it_starts(stranger, plan, code, pointer, word):
    await stranger.send({"plan": plan, "input": {"text": "x", "items": []}}, key="project.inline")
    error, letter = await stranger.refused()
    assert error.code == code
    assert error.pointer.startswith(pointer)
    assert word in error.message
    assert json.loads(letter.body)["plan"] == plan


@pytest.mark.parametrize("plan", BOMBS.values(), ids=BOMBS)
async def test_a_plan_that_is_a_bomb_is_refused_in_few_words(stranger, plan):
    await stranger.send({"plan": plan, "input": {"text": "x"}}, key="project.bomb")
    error, _ = await stranger.refused()
    assert error.code != "internal_error", error
    assert len(error.message) + len(error.pointer) < 5_000


async def test_numbers_that_no_computer_holds_are_refused(stranger):
    plan = json.dumps(delegated({**ECHO, "input": {"text": "input.text"}}))
    await stranger.send(b'{"plan": %s, "input": {"text": "x", "n": [1, {"m": 1e999}]}}' % plan.encode())
    error, _ = await stranger.refused()
    assert error.code == "number_too_large"


async def test_an_input_nested_too_deep_is_refused(stranger):
    deep = {}
    for _ in range(120):
        deep = {"a": deep}
    await stranger.send({"plan": delegated(ECHO), "input": {"text": "x", "deep": deep}})
    error, _ = await stranger.refused()
    assert error.code == "input_too_deep"


async def test_a_plan_that_fails_while_it_runs_fails_the_project_with_the_reason(stranger):
    project = {"kind": "map", "items": "input.text", "do": delegated(ECHO)}
    await stranger.send({"plan": project, "input": {"text": "no list"}})
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert [answer.kind for answer in answers] == ["accepted", "finished"]
    assert answers[1].outcome.error.code == "items_not_a_list"


@pytest.mark.parametrize("deadline", [{"deadline": "9999-12-31T23:59:59Z"}, {"timeout_s": 3_000_000_000.0}], ids=str)
async def test_a_deadline_beyond_what_brokers_count_to_is_kept_by_the_ledger(stranger, deadline):
    await stranger.succeeds({"playbook": "echo", "input": {"text": "x"}, **deadline})


@pytest.mark.parametrize("timeout_s", [1e-9, 1e300])
async def test_a_call_may_have_any_time(stranger, timeout_s):
    plan = delegated({**ECHO, "timeout_s": timeout_s}, timeout_s=1e300)
    await stranger.send({"plan": plan, "input": {"text": "x"}, "timeout_s": 20})
    answers = [(await stranger.reply())[0] for _ in range(2)]
    assert answers[1].kind == "finished"
    assert answers[1].outcome.status in ({"expired"} if timeout_s < 1 else {"succeeded"})
    await stranger.forget("warren.dead.scouts")


async def test_every_text_arrives_as_it_was_sent(stranger):
    text = "\x00\x01\x1b[31m\x7f\u200b\u202e\ufeff\uffff\U0001d54f\U0010ffff ' \" \\ ${HOME} {{x}} %s \r\n"
    assert await stranger.succeeds({"playbook": "echo", "input": {"text": text}}) == {"text": text}
