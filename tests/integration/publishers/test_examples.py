"""Each example, as a publisher with a publisher's rights: it submits, and hears how the project ended."""

import pytest

GUESTS = '{"guests": ["Ada", "Grace"]}'
LANGUAGES = ["shell", "python", "node", "go", "java"]

pytestmark = [pytest.mark.timeout(300)]  # the first run fetches what an example depends on


@pytest.fixture(params=LANGUAGES)
def example(request):
    return request.getfixturevalue(request.param)


def test_an_example_submits_a_project_and_prints_its_output(example, run):
    ended = run(example, "welcome", GUESTS)
    assert (ended.code, "Hello, Grace!" in ended.output) == (0, True), ended


def test_an_example_says_what_is_wrong_with_its_input(example, run):
    ended = run(example, "welcome", '{"guests": "Ada"}')
    assert ended.code == 1, ended
    assert "input_invalid" in ended.errors
    assert "/input/guests" in ended.errors


def test_an_example_tells_a_project_that_failed(example, run):
    ended = run(example, "stumble", "{}")
    assert ended.code == 1, ended
    assert "handler_error" in ended.output + ended.errors
