"""What was given up is done after all: on a real broker, with real processes, by the commands that people type."""

import asyncio
import json

import pytest

from warren.errors import InvalidInput, ProjectFailed, UnknownProject
from warren.messages.command import Again
from warren.messages.outcome import Succeeded
from warren.testing.patience import wait_until

UNKNOWN = "0197f0a0-0000-7000-8000-000000000000"
pytestmark = pytest.mark.timeout(240)


async def test_a_failed_task_is_looked_at_mended_and_replayed_and_its_client_hears_of_it(shop):
    handle = await shop.client.submit(plan=shop.chain(n=7))
    with pytest.raises(ProjectFailed, match="needs spare"):
        await handle.result()
    task = f"{handle.id}/0/0/0"

    listed = (await shop.dead("list")).json
    [group] = listed["groups"]
    assert [group[name] for name in ("team", "skill", "code", "type", "letters", "task")] == [
        *("menders", "mend", "handler_error", "Broken", 1),
        task,
    ]

    shown = (await shop.dead("show", task)).json
    assert shown["error"]["message"] == "7 needs spare"
    assert "raise Broken" in shown["error"]["traceback"]
    assert (shown["attempts"], shown["skill"], shown["kind"]) == (2, "mend", "task")
    assert shown["agent"]
    assert shown["sent_s"] <= shown["started_s"] <= shown["given_up_s"]
    assert shown["message"]["tasks"][0]["input"]["n"] == 7

    edited = {"need": str(shop.bench / "other"), "n": 8, "log": shop.log}
    shop.mend("other")
    answer = await shop.dead("replay", task, "--input", json.dumps(edited))
    assert (answer.code, answer.json["replayed"]) == (0, [task]), answer

    async def heard():
        return isinstance(await handle.outcome(), Succeeded)

    await wait_until(heard, timeout_s=30, reason="the client hears of the new end")
    assert await handle.result() == {"sum": 8, "items": 1}
    assert [attempt for _, attempt, _ in shop.tries()] == [1, 2, 3]
    assert await shop.letters() == 0


async def test_an_input_that_does_not_fit_the_skill_changes_nothing(shop):
    handle = await shop.client.submit(plan=shop.chain(kind="reject"))
    await shop.until_letters(1)
    for data, code in (('{"n": 1}', "input_invalid"), ("[1]", "input_invalid"), ("{", "input_invalid")):
        answer = await shop.dead("replay", "--all", "--input", data)
        assert (answer.code, code in answer.complaint) == (2, True), answer
    assert (await handle.status()).status == "failed"
    assert await shop.letters() == 1


async def test_what_does_not_exist_is_said_to_be_so(shop):
    assert (await shop.dead("list")).json["groups"] == []
    for words in (
        ("replay", "--all"),
        ("show", f"{UNKNOWN}/0"),
        ("drop", "--all", "--yes"),
        ("replay", f"{UNKNOWN}/0"),
    ):
        answer = await shop.dead(*words)
        assert (answer.code, "no dead letter" in answer.complaint) == (5, True), answer
    answer = await shop.dead("replay")
    assert (answer.code, "nothing_chosen" in answer.complaint) == (2, True)
    with pytest.raises(UnknownProject):
        await shop.client.project(UNKNOWN).replay([f"{UNKNOWN}/0"])


async def test_a_second_replay_changes_nothing_and_says_so(shop):
    handle = await shop.client.submit(plan=shop.chain(kind="reject"))
    await shop.until_letters(1)
    task = Again(id=f"{handle.id}/0/0/0", attempt=1)
    shop.mend()
    assert (await handle.replay([task])).replayed == [task.id]
    assert (await handle.result())["items"] == 1
    again = await handle.replay([task])
    assert (again.replayed, again.already) == ([], [task.id])
    answer = await shop.dead("replay", task.id)
    assert (answer.code, answer.json["already"], answer.json["replayed"]) == (0, [task.id], [])
    assert await shop.letters() == 0
    assert len(shop.tries()) == 2


async def test_after_a_cancel_nothing_is_replayed_and_the_letter_stays(shop):
    plan = shop.each(tolerate=1)
    items = [{"n": 1, "kind": "reject"}, {"n": 2, "kind": "wait"}]
    handle = await shop.client.submit(plan=plan, input={"items": items})
    await shop.until_letters(1)
    await handle.cancel("enough")
    answer = await shop.dead("replay", "--all")
    assert (answer.code, answer.json["refused"][0]["code"]) == (1, "project_cancelled"), answer
    assert await shop.letters() == 1
    answer = await shop.dead("drop", "--skill", "mend", "--yes")
    assert (answer.code, answer.json) == (0, {"dropped": 1})
    assert await shop.letters() == 0


async def test_a_group_is_replayed_at_a_rate(shop):
    gate = str(shop.bench / "gate")
    items = [{"n": n, "kind": "reject"} for n in range(200)] + [{"n": 1_000, "kind": "wait", "need": gate}]
    handle = await shop.client.submit(plan=shop.each(tolerate="all"), input={"items": items})
    await shop.until_letters(200)
    [group] = (await shop.dead("list", "--error", "Reject")).json["groups"]
    assert group["letters"] == 200
    shop.mend()
    answer = await shop.dead("replay", "--skill", "mend", "--rate", "100/s")
    assert (answer.code, len(answer.json["replayed"]), await shop.letters()) == (0, 200, 0), answer
    shop.mend("gate")
    assert await handle.result() == {"sum": sum(range(200)) + 1_000, "items": 201}
    again = sorted(moment for _, attempt, moment in shop.tries() if attempt == 2)
    assert len(again) == 200
    # The first half second's worth may come at once: leads look every half second for what a director has opened.
    assert again[-1] - again[0] >= 1.4
    for second in range(2):
        assert sum(0 <= moment - again[0] - second < 1 for moment in again) <= 170


async def test_a_project_that_was_refused_is_handed_in_again_with_what_it_lacked(shop):
    with pytest.raises(InvalidInput, match="skill"):
        await shop.client.submit(
            plan={"kind": "delegate", "team": "menders", "plan": {"kind": "call", "skill": "nobody"}}
        )
    listed = (await shop.dead("list", "--team", "director")).json
    assert listed["groups"][0]["code"] == "unknown_skill"
    answer = await shop.dead("replay", "1", "--team", "director")
    assert (answer.code, answer.json["submitted"]) == (0, 1)

    async def refused_again():
        return (await shop.broker.depth("warren.dead.director")).messages == 1

    await wait_until(refused_again, timeout_s=20)


async def test_what_expired_in_its_queue_is_replayed_with_more_time(own_shop):
    shop = own_shop
    shop.cluster.kill("worker menders")
    shop.mend()
    plan = shop.chain(n=3)
    plan["plan"]["steps"]["mended"]["timeout_s"] = 0.5
    handle = await shop.client.submit(plan=plan)
    with pytest.raises(ProjectFailed, match="expired"):
        await handle.result()
    await shop.until_letters(1)
    [group] = (await shop.dead("list")).json["groups"]
    assert (group["code"], group["skill"]) == ("expired", "mend")
    answer = await shop.dead("replay", "--error", "expired")
    assert (answer.code, answer.json["refused"][0]["code"]) == (1, "deadline_passed"), answer
    shop.cluster.start("worker menders", "worker", "--team", "menders")
    answer = await shop.dead("replay", "--error", "expired", "--timeout", "60")
    assert answer.code == 0, answer
    await shop.until(handle, "succeeded")


@pytest.mark.chaos
async def test_a_replay_survives_the_death_of_the_director(own_shop):
    shop = own_shop
    handles = [await shop.client.submit(plan=shop.chain(n=n, kind="reject")) for n in range(10)]
    await shop.until_letters(10)
    shop.mend()

    async def replay(handle):
        return await handle.replay([Again(id=f"{handle.id}/0/0/0", attempt=1)], limit_s=90)

    replays = [asyncio.ensure_future(replay(handle)) for handle in handles]
    for pause_s in (0.0, 0.02, 0.1):
        await asyncio.sleep(pause_s)
        shop.cluster.kill("director")
        shop.cluster.start("director", "director")
    answers = await asyncio.gather(*replays)
    assert all(len(answer.replayed) + len(answer.already) == 1 and not answer.refused for answer in answers)
    for handle in handles:
        await shop.until(handle, "succeeded")
    answer = await shop.dead("replay", "--all")
    assert (answer.code, len(answer.json["already"])) == (0, 10)
    assert await shop.letters() == 0
