"""Which servers the fixtures take, and what they do where there are none: seen in a session of its own."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"
NOTHING_TO_BE_HAD = """
from contextlib import contextmanager

@contextmanager
def keep(service, *, start_timeout_s):
    raise ServiceUnavailable(f"{service} is not installed")
    yield
"""


@pytest.fixture
def session(pytester, monkeypatch):
    """A session on a machine without any server."""
    for variable in ("CI", "WARREN_TEST_AMQP_URLS", "WARREN_TEST_MANAGEMENT_URLS", "WARREN_TEST_POSTGRES_URL"):
        monkeypatch.delenv(variable, raising=False)
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nmarkers =\n  broker\n  postgres\n")
    pytester.makeconftest(CONFTEST.read_text() + NOTHING_TO_BE_HAD)
    pytester.makepyfile(
        """
        def test_of_the_broker(amqp_url): print(amqp_url)
        def test_of_the_ledger(postgres_url): print(postgres_url)
        def test_of_neither(): pass
        """
    )
    return pytester


def test_where_no_server_is_to_be_had_what_needs_one_is_skipped_with_the_reason(session):
    result = session.runpytest_subprocess("-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["*rabbit-container is not installed; rabbit is not installed*"])


def test_in_ci_it_fails(session, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = session.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*postgres-container is not installed; postgres is not installed*"])


def test_a_test_runs_against_every_broker_that_the_environment_names(session, monkeypatch):
    monkeypatch.setenv("WARREN_TEST_AMQP_URLS", "amqp://one/, amqp://two/")
    result = session.runpytest_subprocess("-s", "-m", "broker")
    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.fnmatch_lines(["*amqp://one/*", "*amqp://two/*"])


def test_the_postgresql_that_the_environment_names_is_taken(session, monkeypatch):
    monkeypatch.setenv("WARREN_TEST_POSTGRES_URL", "postgresql+asyncpg://u:p@somewhere/db")
    result = session.runpytest_subprocess("-s", "-m", "postgres")
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["*postgresql+asyncpg://u:p@somewhere/db*"])


def test_tests_that_need_a_server_can_be_left_out(session):
    session.runpytest_subprocess("-m", "not broker and not postgres").assert_outcomes(passed=1, deselected=2)
