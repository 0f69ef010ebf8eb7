"""The throwaway servers of a run: RabbitMQ for all, Redis and PostgreSQL for those who need them. Loopback only."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from benchmarks.child import Child, Command

READY_S = 20.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Services:
    """Where the servers of this run are; None where there is none. `workdir` goes away with the run."""

    workdir: Path
    amqp_url: str
    redis_url: str | None = None
    postgres_url: str | None = None


@asynccontextmanager
async def running_services(amqp_url: str | None, postgres_url: str | None) -> AsyncIterator[Services]:
    """Start what was not given an address of, and stop it in the end."""
    async with AsyncExitStack() as stack:
        workdir = Path(stack.enter_context(TemporaryDirectory(prefix="warren-bench-", ignore_cleanup_errors=True)))
        if amqp_url is None:
            amqp_url = await stack.enter_async_context(_rabbitmq(workdir / "rabbitmq"))
        results = await stack.enter_async_context(_redis(workdir))
        yield Services(workdir, amqp_url, results, postgres_url)


@asynccontextmanager
async def _rabbitmq(data_dir: Path) -> AsyncIterator[str]:
    from warren.broker.rabbit.node import PrivateNode

    async with PrivateNode(data_dir, fast=True) as node:
        yield node.amqp_url


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
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
