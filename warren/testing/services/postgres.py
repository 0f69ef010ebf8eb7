"""A PostgreSQL of one's own: a throwaway cluster from the machine's binaries, on a free port of the loopback."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from warren.errors import LedgerUnavailable

USER: Final = "warren"
PORTS: Final = range(31_000, 32_700)
"""Below the range from which the system serves outgoing connections, so that nobody takes a port by chance."""
PLACES: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian keeps them off the PATH
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
HOW_TO_INSTALL: Final = (
    "install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), "
    "or name a running server in WARREN_TEST_POSTGRES_URL"
)
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
}
FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
GUARD: Final = 'read -r _; kill -QUIT "$1"'
POLL_S: Final = 0.02
PID_FILE_STATUS_LINE: Final = 7
"""Where the server writes into its pid file how far it has come; pg_ctl waits for the same line."""


class PrivatePostgres:
    """A cluster that lives as long as its `with`; its data stays in `data_dir`, and its port is the same throughout.

        with PrivatePostgres(Path("data")) as cluster:
            print(cluster.url)

    A `fast` cluster does not survive a power cut, which is right for what is thrown away. As root, who may not run
    PostgreSQL, it runs as the user postgres or nobody, who must be able to reach `data_dir`. If this process dies, a
    guard that waits on a pipe ends the cluster.
    """

    def __init__(
        self, data_dir: Path, *, fast: bool = False, start_timeout_s: float = 60.0, stop_timeout_s: float = 20.0
    ) -> None:
        self._folder = data_dir.absolute()
        self._fast = fast
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._owner = _owner()
        self._port = 0
        self._server: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With user and password, of a superuser and the database `postgres`."""
        password = (self._folder / "password").read_text()
        return f"postgresql+asyncpg://{USER}:{password}@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        if self._server is None:
            raise LedgerUnavailable("the private PostgreSQL is not running")
        return self._server.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Return when the cluster takes connections. Raises LedgerUnavailable, and then leaves no process behind."""
        if self._server is not None:
            return
        binaries = find_binaries()
        try:
            self._make_cluster(binaries)
            self._spawn(binaries)
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the cluster's processes; a second call does nothing."""
        self._end(signal.SIGQUIT if self._fast else signal.SIGINT)

    def kill(self) -> None:
        """End the cluster as a crash would; `start` brings it back with what was on disk."""
        self._end(signal.SIGQUIT)

    @property
    def _cluster(self) -> Path:
        return self._folder / "cluster"

    @property
    def _log(self) -> Path:
        return self._folder / "postgres.log"

    def _make_cluster(self, binaries: Path) -> None:
        if (self._cluster / "PG_VERSION").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keep_password()
        command = [str(binaries / "initdb"), "-D", str(self._cluster), "-U", USER, "--auth=scram-sha-256"]
        command += [f"--pwfile={self._folder / 'password'}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(  # noqa: S603
            command, cwd="/", user=self._owner, group=self._group, extra_groups=self._groups,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise LedgerUnavailable(f"initdb failed in {self._folder}:\n{done.stdout.decode(errors='replace')}")

    def _keep_password(self) -> None:
        password = self._folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16))
        if self._owner is not None:
            for path in (self._folder, password):
                os.chown(path, self._owner, self._group or -1)

    @property
    def _group(self) -> int | None:
        return None if self._owner is None else pwd.getpwuid(self._owner).pw_gid

    @property
    def _groups(self) -> list[int] | None:
        return None if self._owner is None else []

    def _spawn(self, binaries: Path) -> None:
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        self._port = self._port or _free_port()
        settings = SETTINGS | {"port": str(self._port)} | (FAST if self._fast else {})
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(  # noqa: S603
                [str(binaries / "postgres"), "-D", str(self._cluster), *options],
                cwd="/", user=self._owner, group=self._group, extra_groups=self._groups,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", GUARD, "guard", str(self._server.pid)], stdin=subprocess.PIPE, start_new_session=True
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._start_timeout_s
        while not self._is_ready():
            if self._server is None or self._server.poll() is not None:
                raise LedgerUnavailable(f"the private PostgreSQL ended while it started:\n{self._last_words()}")
            if time.monotonic() > deadline:
                raise LedgerUnavailable(
                    f"the private PostgreSQL was not ready within {self._start_timeout_s:g} s:\n{self._last_words()}"
                )
            time.sleep(POLL_S)

    def _is_ready(self) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > PID_FILE_STATUS_LINE and lines[PID_FILE_STATUS_LINE].strip() == "ready"

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-12:])

    def _end(self, how: signal.Signals) -> None:
        """First the guard, which would otherwise signal a pid that is no longer ours."""
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        if self._server is not None:
            _end_process(self._server, how, self._stop_timeout_s)
            self._server = None


def find_binaries() -> Path:
    """The folder of the newest PostgreSQL server of this machine. Raises LedgerUnavailable."""
    found = [folder for place in PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").is_file()]
    if found:
        return max(found, key=_version)
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise LedgerUnavailable(f"PostgreSQL is not installed on this machine; {HOW_TO_INSTALL}")


def _version(binaries: Path) -> tuple[int, ...]:
    digits = "".join(letter if letter.isdigit() else " " for letter in binaries.parent.name)
    return tuple(map(int, digits.split()))


def _owner() -> int | None:
    """Whose the cluster is to be; None for the user that we are."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise LedgerUnavailable("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")


def _free_port() -> int:
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _end_process(process: subprocess.Popen[bytes], how: signal.Signals, limit_s: float) -> None:
    process.send_signal(how)
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
