"""The facts about machine and software without which a figure means nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import asyncpg
import psutil  # type: ignore[import-untyped]

from benchmarks.services import Services

PACKAGES = (
    "warren", "aio-pika", "aiormq", "pamqp", "uvloop", "pydantic", "sqlalchemy", "aiosqlite", "asyncpg",
    "celery", "kombu", "amqp", "dramatiq", "pika", "redis",
)  # fmt: skip


async def machine_facts(services: Services) -> dict[str, Any]:
    return {
        "cpu": await asyncio.to_thread(_cpu_model),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "rabbitmq": await asyncio.to_thread(_rabbitmq_version, services.amqp_url),
        "redis": await asyncio.to_thread(_redis_version, services.redis_url),
        "postgresql": await _postgres_version(services.postgres_url),
        "commit": await asyncio.to_thread(_commit),
    }


def load_1m() -> float:
    """The load average of the last minute: our own work and whatever else the machine does."""
    return round(os.getloadavg()[0], 2)


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _rabbitmq_version(amqp_url: str) -> str:
    from kombu.connection import Connection  # only `make bench` has it

    with Connection(amqp_url) as connection:  # type: ignore[no-untyped-call]
        properties: dict[str, Any] = connection.ensure_connection().connection.server_properties
        return str(properties["version"])


def _redis_version(redis_url: str | None) -> str | None:
    if redis_url is None:
        return None
    import redis  # only `make bench` has it

    with redis.Redis.from_url(redis_url) as client:
        facts: Any = client.info("server")
        return str(facts["redis_version"])


async def _postgres_version(postgres_url: str | None) -> str | None:
    if postgres_url is None:
        return None
    connection = await asyncpg.connect(postgres_url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        return str(await connection.fetchval("show server_version"))
    finally:
        await connection.close()


def _commit() -> str | None:
    """The commit that was measured, marked if the working tree had changes."""
    git = shutil.which("git")
    if git is None:
        return None
    described = subprocess.run(
        [git, "describe", "--always", "--dirty"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or None
