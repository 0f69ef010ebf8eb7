"""What is no longer wanted."""

from warren import Context
from worker.running import Handlers, Running


def test_a_task_is_unwanted_with_any_of_its_ancestors():
    handlers = Handlers()
    handlers.cancel("p/0/3", "enough")

    assert handlers.unwanted("p/0/3") == handlers.unwanted("p/0/3/1/2") == "enough"
    assert handlers.unwanted("p/0") is None
    assert handlers.unwanted("p/0/30") is None


def test_only_so_many_subtrees_are_remembered():
    handlers = Handlers(remembered=2)
    for subtree in ("a", "b", "a", "c"):
        handlers.cancel(subtree, "why")

    assert [handlers.unwanted(subtree) for subtree in "abc"] == ["why", None, "why"]


def test_two_deliveries_of_one_task_are_both_stopped():
    handlers = Handlers()
    twins = [Running(Context("p/0")), Running(Context("p/0"))]
    for running in twins:
        handlers.enter(running)

    assert handlers.cancel("p", "enough") == 2
    assert all(running.context.cancelled for running in twins)
    handlers.leave(twins[0])
    assert handlers.cancel("p", "again") == 1


def test_what_was_sent_for_a_later_replay_is_wanted():
    handlers = Handlers()
    handlers.cancel("p/0", "enough")
    assert (handlers.unwanted("p/0/1"), handlers.unwanted("p/0/1", 1)) == ("enough", None)
    handlers.cancel("p/0", "again", 1)
    handlers.cancel("p/0", "an old word")
    assert (handlers.unwanted("p/0/1", 1), handlers.unwanted("p/0/1", 2)) == ("an old word", None)


def test_a_handler_of_a_later_replay_is_not_stopped():
    handlers = Handlers()
    old, new = Running(Context("p/0/1")), Running(Context("p/0/1"), 1)
    handlers.enter(old)
    handlers.enter(new)
    assert handlers.cancel("p/0", "enough") == 1
    assert (old.context.cancelled, new.context.cancelled) == (True, False)
