"""The throwaway servers of a run: RabbitMQ for all, Redis and PostgreSQL for those who need them. Loopback only."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.child import Child, Command
from benchmarks.usage import listener

READY_S = 20.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Services:
    """Where the servers of this run are; None where there is none. `workdir` goes away with the run.

    `postgres_url` is SQLAlchemy's for asyncpg, of a user who may create databases. `processes` are the servers that
    can be watched, by role.
    """

    workdir: Path
    amqp_url: str
    redis_url: str | None
    postgres_url: str | None
    processes: Mapping[str, int]


@asynccontextmanager
async def running_services(amqp_url: str | None, postgres_url: str | None) -> AsyncIterator[Services]:
    """Start what was not given an address of, and stop it in the end."""
    async with AsyncExitStack() as stack:
        workdir = stack.enter_context(_workdir())
        if amqp_url is None:
            amqp_url = await stack.enter_async_context(_rabbitmq(workdir / "rabbitmq"))
        if postgres_url is None:
            postgres_url = stack.enter_context(_postgres(workdir / "postgres"))
        redis_url = await stack.enter_async_context(_redis(workdir))
        urls = {"broker": amqp_url, "redis": redis_url, "postgres": postgres_url}
        yield Services(workdir, amqp_url, redis_url, postgres_url, _listeners(urls))


@contextmanager
def _workdir() -> Iterator[Path]:
    with TemporaryDirectory(prefix="warren-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as another user and has to get through to its own folder
        yield folder


def _listeners(urls: Mapping[str, str | None]) -> dict[str, int]:
    found = {role: listener(urlsplit(url).port or 0) for role, url in urls.items() if url}
    return {role: pid for role, pid in found.items() if pid}


@asynccontextmanager
async def _rabbitmq(data_dir: Path) -> AsyncIterator[str]:
    from warren.broker.rabbit.node import PrivateNode

    async with PrivateNode(data_dir, fast=True) as node:
        yield node.amqp_url


@contextmanager
def _postgres(data_dir: Path) -> Iterator[str | None]:
    """A PostgreSQL that writes to disk like one that matters, None where the machine has none."""
    from warren.errors import LedgerUnavailable
    from warren.testing.services.postgres import PrivatePostgres, find_binaries

    try:
        find_binaries()
    except LedgerUnavailable:
        yield None
        return
    with PrivatePostgres(data_dir) as cluster:
        yield cluster.url


@asynccontextmanager
async def _redis(workdir: Path) -> AsyncIterator[str | None]:
    """A Redis without persistence, None where the machine has no redis-server."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    port = _free_port()
    server = await Child.start(_redis_command(program, port, workdir), workdir)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        await _wait_for_redis(url, server)
        yield url
    finally:
        await server.stop()


def _redis_command(program: str, port: int, workdir: Path) -> Command:
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(workdir)]
    return Command("redis", [program, "--port", str(port), *options])


async def _wait_for_redis(url: str, server: Child) -> None:
    async with asyncio.timeout(READY_S):
        while not await asyncio.to_thread(_answers, url):
            server.assert_alive()
            await asyncio.sleep(POLL_S)


def _answers(url: str) -> bool:
    import redis  # only `make bench` has it

    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
