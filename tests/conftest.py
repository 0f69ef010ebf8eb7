"""The servers that tests may ask for, and what else every test may use.

`amqp_url`, `amqp_vhost_url`: a RabbitMQ, and a virtual host of one's own in it; once per broker that is named in
WARREN_TEST_AMQP_URLS. `postgres_url`, `postgres_database_url`: a PostgreSQL, and an empty database of one's own in it.
A server is started when the first test asks for it. See CONTRIBUTING.md for which one is taken.
"""

import asyncio
import fcntl
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest

from warren.testing.patience import wait_until as wait_until_
from warren.testing.services.keeper import ServiceUnavailable, keep
from warren.testing.services.management import Management, in_vhost

CONTAINER_START_S = 70  # with the other one within the time limit of the test that happens to ask first
PRIVATE_START_S = 45


def pytest_configure(config):
    config.addinivalue_line("markers", "golden: checks that a generated file is what the code makes of it")
    # How long an example takes says how busy the machine is; what a test may take is bounded by its time limit.
    hypothesis.settings.register_profile(
        "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("patient")


def pytest_generate_tests(metafunc):
    """Run a test that talks to a broker once for each broker that the environment names."""
    if "amqp_url" in metafunc.fixturenames:
        count = max(1, len(named("WARREN_TEST_AMQP_URLS")))
        names = [f"broker{number}" for number in range(count)] if count > 1 else ["broker"]
        metafunc.parametrize("amqp_url", range(count), indirect=True, ids=names, scope="session")


def pytest_collection_modifyitems(items):
    for item in items:
        for fixture, marker in (("amqp_urls", "broker"), ("postgres_url", "postgres")):
            if fixture in item.fixturenames:
                item.add_marker(marker)


def named(variable):
    return [url.strip() for url in os.environ.get(variable, "").split(",") if url.strip()]


def unavailable(reason):
    """A missing server is nobody's fault on a laptop, and a fault in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Machine:
    """What the processes of one run share: a test that measures time has it to itself, all others share it."""

    def __init__(self, run):
        self._paths = [Path(tempfile.gettempdir()) / f"warren-tests-{run}-{part}" for part in ("door", "room")]
        self._door, self._room = (path.open("w") for path in self._paths)

    @contextmanager
    def used(self, *, alone):
        """Whoever waits to be alone stands in the door meanwhile, or others would go in past him for ever."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    def leave(self):
        for file, path in zip((self._door, self._room), self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)


MACHINE = pytest.StashKey()


def pytest_sessionstart(session):
    if run := getattr(session.config, "workerinput", {}).get("testrunuid"):
        session.config.stash[MACHINE] = Machine(run)


def pytest_sessionfinish(session):
    if MACHINE in session.config.stash:
        session.config.stash[MACHINE].leave()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    if MACHINE not in item.config.stash:
        return (yield)
    with item.config.stash[MACHINE].used(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextmanager
def first_of(*services):
    """The addresses of the first server that can be had."""
    with ExitStack() as stack:
        yield enter_first(stack, services)


def enter_first(stack, services):
    complaints = []
    for service in services:
        limit_s = CONTAINER_START_S if service.endswith("container") else PRIVATE_START_S
        try:
            return stack.enter_context(keep(service, start_timeout_s=limit_s))
        except ServiceUnavailable as error:
            complaints.append(str(error))
    return unavailable("; ".join(complaints))


@pytest.fixture(scope="session")
def management_urls():
    """The management API of each broker, by the broker's AMQP URL; None where it is not known."""
    if urls := named("WARREN_TEST_AMQP_URLS"):
        known = named("WARREN_TEST_MANAGEMENT_URLS")
        yield dict(zip(urls, [*known, *[None] * len(urls)], strict=False))
        return
    with first_of("rabbit-container", "rabbit") as addresses:
        yield {addresses["amqp_url"]: addresses["management_url"]}


@pytest.fixture(scope="session")
def amqp_urls(management_urls):
    return list(management_urls)


@pytest.fixture(scope="session")
def amqp_url(request, amqp_urls):
    """A broker's default virtual host, which all tests share: use names of your own in it."""
    return amqp_urls[getattr(request, "param", 0)]  # not there when a test asks for it by name while it runs


@pytest.fixture(scope="session")
def management(amqp_url, management_urls):
    """The management API of the broker at `amqp_url`, or None."""
    url = management_urls[amqp_url]
    return Management.of(amqp_url, url) if url else None


@pytest.fixture
def amqp_vhost_url(amqp_url, management):
    """An empty virtual host; the default one if the broker's management API is not known."""
    if management is None:
        yield amqp_url
        return
    vhost = f"test-{uuid4().hex}"
    management.create_vhost(vhost)
    yield in_vhost(amqp_url, vhost)
    management.delete_vhost(vhost)


@pytest.fixture(scope="session")
def postgres_url():
    """A PostgreSQL server as `postgresql+asyncpg://…`, of a user who may create databases."""
    if urls := named("WARREN_TEST_POSTGRES_URL"):
        yield urls[0]
        return
    with first_of("postgres-container", "postgres") as addresses:
        yield addresses["url"]


@pytest.fixture
def postgres_database_url(postgres_url):
    """An empty database, gone after the test whoever is still connected to it."""
    name = f"test_{uuid4().hex}"
    execute(postgres_url, f"CREATE DATABASE {name}")
    yield f"{postgres_url.rpartition('/')[0]}/{name}"
    execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url, statement):
    """In a thread with a loop of its own: a fixture for plain and async tests must not touch theirs."""
    with ThreadPoolExecutor(1) as executor:
        executor.submit(asyncio.run, execute_async(url, statement)).result()


async def execute_async(url, statement):
    import asyncpg

    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=15)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def wait_until():
    """Waits for a condition with a deadline: `await wait_until(lambda: queue.empty(), timeout_s=5)`."""
    return wait_until_
