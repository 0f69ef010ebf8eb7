"""What a client makes of a project's ends, whatever order it hears of them in."""

from warren.client.conversation import Conversation
from warren.messages.outcome import Failed, Succeeded
from warren.messages.reply import Finished


def failed(*, replays, ended_s):
    outcome = Failed.model_validate({"status": "failed", "error": {"code": "x", "message": "as planned"}})
    return Finished(outcome=outcome, accepted_s=1.0, ended_s=ended_s, replays=replays)


def succeeded(*, replays, ended_s):
    return Finished(outcome=Succeeded(output={}), accepted_s=1.0, ended_s=ended_s, replays=replays)


async def test_an_end_is_known_as_soon_as_it_is_heard():
    conversation = Conversation()
    conversation.hear(failed(replays=0, ended_s=2.0))
    assert conversation.finished.result().ended_s == 2.0


async def test_after_a_replay_another_end_is_waited_for():
    conversation = Conversation()
    conversation.hear(failed(replays=0, ended_s=2.0))
    conversation.go_on(1)
    assert not conversation.finished.done()
    conversation.hear(failed(replays=0, ended_s=2.0))
    assert not conversation.finished.done()
    conversation.hear(succeeded(replays=1, ended_s=3.0))
    assert conversation.finished.result().outcome.status == "succeeded"


async def test_an_end_that_is_heard_before_the_answer_to_the_replay_is_not_forgotten():
    conversation = Conversation()
    conversation.hear(failed(replays=0, ended_s=2.0))
    conversation.hear(failed(replays=1, ended_s=3.0))
    conversation.go_on(1)
    assert conversation.finished.result().ended_s == 3.0


async def test_who_heard_of_no_end_before_the_replay_is_not_told_the_old_one():
    conversation = Conversation()
    conversation.go_on(1)
    conversation.hear(failed(replays=0, ended_s=2.0))
    assert not conversation.finished.done()


async def test_directors_whose_clocks_differ_do_not_confuse_the_ends():
    conversation = Conversation()
    conversation.hear(failed(replays=0, ended_s=9.0))
    conversation.go_on(1)
    conversation.hear(succeeded(replays=1, ended_s=8.5))
    assert conversation.finished.result().outcome.status == "succeeded"


async def test_an_end_after_a_replay_of_somebody_else_replaces_the_one_before():
    conversation = Conversation()
    conversation.hear(failed(replays=0, ended_s=2.0))
    conversation.hear(succeeded(replays=2, ended_s=3.0))
    conversation.hear(failed(replays=1, ended_s=2.5))
    assert conversation.finished.result().outcome.status == "succeeded"
