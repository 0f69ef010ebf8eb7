import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from warren.broker.rabbit import node
from warren.errors import WarrenError
from warren.testing.services import postgres
from warren.testing.services.keeper import ServiceUnavailable, keep

INSTALLED = {"rabbit": node.find_server, "postgres": postgres.find_binaries}


@pytest.fixture(params=INSTALLED)
def service(request):
    try:
        INSTALLED[request.param]()
    except WarrenError as error:
        pytest.skip(str(error))
    return request.param


@pytest.fixture
def folders(monkeypatch):
    """Where the servers keep their data. Reachable for the user that PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="warren-test-") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


@pytest.fixture
def keeping(service, folders):
    """Another process that keeps a server, and the server's port."""
    script = (
        "import signal, sys\n"
        "from warren.testing.services.keeper import keep\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
        "with keep(sys.argv[1]) as addresses:\n"
        "    print(addresses.get('amqp_url') or addresses['url'], flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, service],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield process, urlsplit(process.stdout.readline().decode()).port
        process.kill()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_the_server_and_its_data_go_with_whoever_kept_them_however_that_ends(keeping, folders, how, wait_until):
    process, port = keeping
    assert listens(port)
    process.send_signal(how)
    await wait_until(lambda: not listens(port), timeout_s=30)
    await wait_until(lambda: not list(folders.iterdir()), timeout_s=30)


def test_the_server_is_gone_when_the_with_is_over(folders):
    try:
        postgres.find_binaries()
    except WarrenError as error:
        pytest.skip(str(error))
    with keep("postgres") as addresses:
        port = urlsplit(addresses["url"]).port
        assert listens(port)
    assert not listens(port)
    assert list(folders.iterdir()) == []


def test_a_server_that_cannot_be_had_is_reported_with_the_reason(monkeypatch):
    monkeypatch.setitem(os.environ, "DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(ServiceUnavailable, match=r"postgres-container: .*127\.0\.0\.1"), keep("postgres-container"):
        pass


def test_a_server_that_takes_too_long_is_given_up_and_ended(folders):
    too_late = pytest.raises(ServiceUnavailable, match=r"postgres was not ready within 0\.001 s")
    with too_late, keep("postgres", start_timeout_s=0.001):
        pass
    assert list(folders.iterdir()) == []
