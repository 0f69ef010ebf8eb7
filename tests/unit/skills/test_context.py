"""What a handler is told and can tell."""

import logging

import pytest

from warren import Context
from warren.skills.signals import TaskCancelled


def test_progress_stays_between_nothing_and_all():
    heard = []
    context = Context("p/0", progress=lambda fraction, message: heard.append((fraction, message)))

    context.progress(-1)
    context.progress(0.5, "half")
    context.progress(7)
    context.progress(float("nan"))

    assert heard == [(0.0, ""), (0.5, "half"), (1.0, ""), (0.0, "")]


def test_a_cancelled_context_stops_loops_that_ask():
    context = Context("p/0")
    context.raise_if_cancelled()

    context.cancel("no longer wanted")

    assert context.cancelled
    with pytest.raises(TaskCancelled, match="no longer wanted"):
        context.raise_if_cancelled()


def test_every_line_of_the_log_says_which_task_it_is_about(caplog):
    caplog.set_level(logging.INFO)

    Context("p/0", skill="fetch", attempt=2).logger.info("fetched", pages=3)

    assert caplog.messages == ["fetched task='p/0' skill='fetch' attempt=2 pages=3"]
