import signal
import subprocess
import sys

HEAD = """
import asyncio, os, signal, sys, weakref
import warren.cli, warren.cli.app
from warren.cli.loop import complete

class Thing: pass

def interrupt(*_): os.kill(os.getpid(), signal.SIGINT)
"""
FORGOTTEN = """
def run(arguments):
    thing = Thing()
    reference = weakref.ref(thing, interrupt)
    del thing  # here Python prints what is raised, and goes on
    print("went on")
    return 0
"""
HANDLED = """
async def work():
    try:
        interrupt()
        await asyncio.sleep(60)
    finally:
        print("put away")

def run(arguments):
    return complete(work())
"""
TAIL = """
warren.cli.app.run = run
sys.exit(warren.cli.main())
"""


def ended(run):
    done = subprocess.run(
        [sys.executable, "-c", HEAD + run + TAIL], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_ctrl_c_ends_a_command_even_where_python_would_forget_an_exception():
    assert ended(FORGOTTEN) == (130, "", "")


def test_within_a_coroutine_ctrl_c_lets_it_put_away_what_it_has():
    assert ended(HANDLED) == (130, "put away\n", "")


def test_a_test_that_calls_a_command_keeps_its_own_way_of_being_interrupted():
    before = signal.getsignal(signal.SIGINT)
    from warren.cli import main

    assert main(["--help"]) == 0
    assert signal.getsignal(signal.SIGINT) is before
