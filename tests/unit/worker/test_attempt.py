"""Exceptions as outcomes."""

from warren import Reject
from warren.messages.outcome import MAX_TRACEBACK_CHARS
from worker.attempt import MAX_MESSAGE_CHARS, of_error


class Wordless(Exception):
    def __str__(self):
        raise ValueError("no words")


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_what_cannot_be_sent_is_replaced_and_what_is_long_is_cut():
    error = of_error(raised(RuntimeError("\ud800" + "x" * 100_000)), "p/0").outcome.error

    assert error.message.startswith("?x")
    assert len(error.message) == MAX_MESSAGE_CHARS
    assert len(error.traceback) == MAX_TRACEBACK_CHARS


def test_a_deep_recursion_leaves_a_short_traceback():
    def deeper(n):
        return deeper(n + 1)

    try:
        deeper(0)
    except RecursionError as error:
        traced = of_error(error, "p/0").outcome.error.traceback

    assert 0 < len(traced) <= MAX_TRACEBACK_CHARS
    assert "RecursionError" in traced


def test_an_exception_that_cannot_be_written_still_has_its_class():
    error = of_error(raised(Wordless()), "p/0").outcome.error

    assert (error.message, error.type) == ("Wordless", "Wordless")


def test_a_rejection_needs_no_traceback():
    assert of_error(raised(Reject("no")), "p/0").outcome.error.traceback == ""
