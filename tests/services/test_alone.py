"""A test that measures time has the machine to itself among the processes of a run."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"
NOTING = """
import threading

import pytest

def note(word):
    with open("notes", "a") as notes:
        notes.write(word + "\\n")

def at_work(name, seconds):
    note("begin " + name)
    threading.Event().wait(seconds)
    note("end " + name)
"""
MEASURING = """
@pytest.mark.alone
@pytest.mark.parametrize("turn", range(5))
def test_of_time(turn):
    at_work("measuring", 0.1)
"""
OTHERS = """
@pytest.mark.parametrize("turn", range(100))
def test_of_something_else(turn):
    at_work("else", 0.01)
"""


@pytest.fixture
def notes(pytester):
    """What two processes note, one of which measures."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers = alone\n")
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile(test_measuring=NOTING + MEASURING, test_others=NOTING + OTHERS)
    pytester.runpytest_subprocess("-n2", "--dist=loadfile").assert_outcomes(passed=105)
    return (pytester.path / "notes").read_text().splitlines()


def test_while_it_measures_no_other_test_runs(notes):
    begun = [number for number, note in enumerate(notes) if note == "begin measuring"]
    assert [notes[number + 1] for number in begun] == ["end measuring"] * 5
    assert "begin else" in notes[begun[0] : begun[-1]], "the other process had nothing to do meanwhile"
