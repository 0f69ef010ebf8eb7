"""Servers in containers, where a Docker engine answers. Needs the package testcontainers."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy

RABBITMQ_IMAGE: Final = "rabbitmq:4.3-management"
POSTGRES_IMAGE: Final = "postgres:17"
ENGINE_ANSWERS_WITHIN_S: Final = 3


@contextmanager
def rabbit_container() -> Iterator[dict[str, str]]:
    """A RabbitMQ with its management API, for the length of the `with`."""
    password = secrets.token_hex(16)
    container = (
        _container(RABBITMQ_IMAGE)
        .with_envs(RABBITMQ_DEFAULT_USER="warren", RABBITMQ_DEFAULT_PASS=password)
        .with_exposed_ports(5672, 15672)
        # A tool of the node's own, run before the node is up, would take its cookie away from it.
        .waiting_for(LogMessageWaitStrategy("Server startup complete"))
    )
    with container:
        yield {
            "amqp_url": f"amqp://warren:{password}@{_address(container, 5672)}/",
            "management_url": f"http://{_address(container, 15672)}",
        }


@contextmanager
def postgres_container() -> Iterator[dict[str, str]]:
    """A PostgreSQL for the length of the `with`."""
    password = secrets.token_hex(16)
    container = (
        _container(POSTGRES_IMAGE)
        .with_envs(POSTGRES_USER="warren", POSTGRES_PASSWORD=password, POSTGRES_DB="postgres")
        .with_exposed_ports(5432)
        # Over TCP: the server that only prepares the data folder listens on a socket file alone.
        .waiting_for(ExecWaitStrategy(["pg_isready", "-h", "127.0.0.1", "-U", "warren"]))
        .with_command("postgres -c fsync=off -c synchronous_commit=off -c max_connections=200")
    )
    with container:
        yield {"url": f"postgresql+asyncpg://warren:{password}@{_address(container, 5432)}/postgres"}


def _container(image: str) -> Any:
    """Raises what the Docker client raises when no engine answers, and soon: most machines have none."""
    client = DockerClient(timeout=ENGINE_ANSWERS_WITHIN_S).client
    try:
        client.ping()
    finally:
        client.close()
    return DockerContainer(image)


def _address(container: Any, port: int) -> str:
    return f"{container.get_container_host_ip()}:{container.get_exposed_port(port)}"
