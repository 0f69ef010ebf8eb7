"""A RabbitMQ of one's own: the machine's rabbitmq-server, unprivileged, on free ports of the loopback interface."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from warren.broker.rabbit.node_folder import USER, Identity, NodeFolder
from warren.errors import BrokerUnavailable

SERVERS: Final = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",  # Debian, Fedora: what is in /usr/sbin switches the user
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
)
HOW_TO_INSTALL: Final = (
    "install it (Debian, Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq), or name a running "
    "broker in WARREN_AMQP_URL, or use the memory broker"
)
GUARD: Final = 'read -r _; kill -TERM "$@"'
POLL_S: Final = 0.05
AMQP_HEADER: Final = b"AMQP\x00\x00\x09\x01"


class PrivateNode:
    """A node that lives as long as its `async with`, or between `start` and `stop`; its data stays in `data_dir`.

        async with PrivateNode(Path("data")) as node:
            print(node.amqp_url)

    A `fast` node is killed at the end instead of stopped, which is right for what is thrown away. If this process
    dies, a guard that waits on a pipe ends the node.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        fast: bool = False,
        start_timeout_s: float = 90.0,
        stop_timeout_s: float = 20.0,
    ) -> None:
        self._folder = NodeFolder(data_dir)
        self._port = port
        self._fast = fast
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._identity: Identity | None = None
        self._node: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def amqp_url(self) -> str:
        """With user and password; the vhost is `/`."""
        return f"amqp://{USER}:{self._known.password}@127.0.0.1:{self._known.amqp_port}"

    @property
    def management_url(self) -> str:
        """Of the management HTTP API and its web page; user and password are those of `amqp_url`."""
        return f"http://127.0.0.1:{self._known.management_port}"

    @property
    def pid(self) -> int:
        if self._node is None:
            raise BrokerUnavailable("the private node is not running")
        return self._node.pid

    @property
    def pids(self) -> list[int]:
        """Of all processes that belong to the node."""
        return [process.pid for process in (self._node, self._epmd, self._guard) if process is not None]

    @property
    def _known(self) -> Identity:
        if self._identity is None:
            raise BrokerUnavailable("the private node was never started")
        return self._identity

    async def start(self) -> None:
        """Return when the node takes connections. Raises BrokerUnavailable, and then leaves nothing behind."""
        if self._node is not None:
            return
        server = find_server()
        self._folder.acquire()
        try:
            await self._end_leftovers()
            self._identity = self._folder.identity(self._port)
            self._folder.write_configuration(self._identity)
            self._folder.listen()
            self._spawn(server, self._identity)
            await self._wait_until_ready()
        except BaseException:
            await asyncio.shield(self._end(signal.SIGKILL))
            raise

    async def stop(self) -> None:
        """End the node's processes; a second call does nothing."""
        await asyncio.shield(self._end(signal.SIGKILL if self._fast else signal.SIGTERM))

    async def kill(self) -> None:
        """End the node as a power cut would; `start` brings it back with what was on disk."""
        await self._end(signal.SIGKILL)

    async def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl on the node and return what it prints. It takes a second or two."""
        tool = find_server().with_name("rabbitmqctl")
        environment = self._folder.environment(self._known, os.environ)
        return await asyncio.to_thread(_run_tool, [str(tool), *arguments], environment, self._folder.path)

    def _spawn(self, server: Path, identity: Identity) -> None:
        environment = self._folder.environment(identity, os.environ)
        # A daemon of its own that the node finds running: one that the node starts would outlive it.
        epmd = [str(find_epmd()), "-port", str(identity.epmd_port), "-address", "127.0.0.1"]
        with self._folder.output.open("wb") as output:
            self._epmd = _popen(epmd, environment, self._folder.path, output.fileno())
            self._node = _popen([str(server)], environment, self._folder.path, output.fileno())
        pids = {f"-warren {identity.epmd_port}": self._node.pid, f"-port {identity.epmd_port}": self._epmd.pid}
        self._folder.record(pids)
        self._guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", GUARD, "guard", *map(str, pids.values())],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(self._start_timeout_s):
                while not await self._answers():
                    self._raise_if_gone()
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            raise BrokerUnavailable(
                f"the private node took no connection within {self._start_timeout_s:.0f} s; its last words:\n"
                + self._folder.last_words()
            ) from error

    def _raise_if_gone(self) -> None:
        if self._node is not None and (code := self._node.poll()) is not None:
            raise BrokerUnavailable(
                f"the private node ended with exit code {code} while it started; its last words:\n"
                + self._folder.last_words()
            )

    async def _answers(self) -> bool:
        return await asyncio.to_thread(_speaks_amqp, self._known.amqp_port)

    async def _end(self, how: signal.Signals) -> None:
        try:
            await self._end_processes(how)
        finally:
            self._folder.release()

    async def _end_processes(self, how: signal.Signals) -> None:
        """First the guard, which would otherwise signal pids that are no longer ours; the port mapper last."""
        if self._guard is not None:
            await _end_process(self._guard, signal.SIGKILL, 0)
            _close(self._guard)
            self._guard = None
        if self._node is not None:
            await _end_process(self._node, how, self._stop_timeout_s)
            self._node = None
        if self._epmd is not None:
            await _end_process(self._epmd, signal.SIGKILL, 0)
            self._epmd = None

    async def _end_leftovers(self) -> None:
        """End what an owner that was killed left running on this folder; most often it is stopping already."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_timeout_s
        for word, pid in self._folder.recorded().items():
            if await asyncio.to_thread(_command_holds, pid, word):
                _signal(pid, signal.SIGTERM)
            while await asyncio.to_thread(_command_holds, pid, word):
                if loop.time() > deadline:
                    _signal(pid, signal.SIGKILL)
                await asyncio.sleep(POLL_S)


def find_server() -> Path:
    """The machine's rabbitmq-server, as a script that does not switch the user. Raises BrokerUnavailable."""
    for candidate in (*SERVERS, shutil.which("rabbitmq-server")):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise BrokerUnavailable(f"rabbitmq-server is not installed on this machine; {HOW_TO_INSTALL}")


def find_epmd() -> Path:
    """Erlang's port mapper, which comes with Erlang. Raises BrokerUnavailable."""
    for candidate in (shutil.which("epmd"), "/usr/lib/erlang/bin/epmd", "/usr/lib64/erlang/bin/epmd"):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise BrokerUnavailable(f"epmd, a part of Erlang, is not installed on this machine; {HOW_TO_INSTALL}")


def _popen(command: list[str], environment: dict[str, str], folder: Path, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _run_tool(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False, text=True)  # noqa: S603
    if done.returncode != 0:
        raise BrokerUnavailable(f"{' '.join(command)} failed: {done.stderr or done.stdout}")
    return done.stdout


async def _end_process(process: subprocess.Popen[bytes], how: signal.Signals, limit_s: float) -> None:
    """Signal the process, wait, and kill it when the limit is over."""
    if process.poll() is None:
        _signal(process.pid, how)
    try:
        await asyncio.to_thread(process.wait, limit_s if how is not signal.SIGKILL else None)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def _signal(pid: int, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def _command_holds(pid: int, word: str) -> bool:
    """Whether that process lives and is the one we think: a pid may have gone to another."""
    listed = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False
    )
    return word in listed.stdout.decode(errors="replace")


def _speaks_amqp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(AMQP_HEADER)
            return connection.recv(1) == b"\x01"
    except OSError:
        return False
