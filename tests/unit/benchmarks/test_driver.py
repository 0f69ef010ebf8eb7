import sys

import pytest

from benchmarks.child import Child, Command
from benchmarks.driver import drive

CLIENT = "from benchmarks.driver import serve; serve(lambda tasks: list(range({results})))"


async def answer(tmp_path, results, tasks):
    command = Command("client", [sys.executable, "-c", CLIENT.format(results=results)], driven=True)
    client = await Child.start(command, tmp_path)
    try:
        return await drive(client, tasks)
    finally:
        await client.stop()


async def test_a_client_answers_with_the_seconds_of_its_run(tmp_path):
    assert 0 <= await answer(tmp_path, "tasks", 5) < 5


async def test_a_missing_result_is_an_error_and_not_a_good_time(tmp_path):
    with pytest.raises(RuntimeError, match="4 of 5 tasks have a result, 4 results came"):
        await answer(tmp_path, "tasks - 1", 5)


async def test_a_client_that_cannot_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="NameError: name 'nonsense' is not defined"):
        await answer(tmp_path, "nonsense", 5)
