import fcntl

import pytest

from warren.ledger.turnstile import Turnstile, ask_until


def test_only_the_first_in_the_queue_passes(tmp_path):
    ours, theirs = Turnstile(tmp_path / "turn"), Turnstile(tmp_path / "turn")
    with ours.queued(), pytest.raises(BlockingIOError):
        fcntl.flock(theirs._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with theirs.queued(), pytest.raises(BlockingIOError):
        fcntl.flock(ours._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ours.close()
    theirs.close()


def test_asking_ends_with_the_first_yes():
    answers = iter([False, False, True])
    assert ask_until(lambda: next(answers), timeout_s=10)
    assert list(answers) == []


def test_asking_gives_up_in_time():
    assert not ask_until(lambda: False, timeout_s=0.01)
