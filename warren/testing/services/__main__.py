"""Runs one server until nobody needs it any more: `python -m warren.testing.services SERVICE`.

Prints the server's addresses as one line of JSON when it takes connections, and ends it when standard input is closed
(which it also is when the asking process is killed) or on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from warren.broker.rabbit.node import PrivateNode
from warren.testing.services.postgres import PrivatePostgres

Addresses = dict[str, str]


@contextmanager
def _rabbit() -> Iterator[Addresses]:
    with _folder("rabbit") as folder, asyncio.Runner() as runner:
        node = PrivateNode(folder, fast=True)
        runner.run(node.start())
        try:
            yield {"amqp_url": node.amqp_url, "management_url": node.management_url}
        finally:
            runner.run(node.stop())


@contextmanager
def _postgres() -> Iterator[Addresses]:
    with _folder("postgres") as folder, PrivatePostgres(folder, fast=True) as cluster:
        yield {"url": cluster.url}


@contextmanager
def _folder(service: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"warren-{service}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _rabbit_container() -> AbstractContextManager[Addresses]:
    from warren.testing.services.container import rabbit_container

    return rabbit_container()


def _postgres_container() -> AbstractContextManager[Addresses]:
    from warren.testing.services.container import postgres_container

    return postgres_container()


SERVICES: Final[dict[str, Callable[[], AbstractContextManager[Addresses]]]] = {
    "rabbit": _rabbit,
    "postgres": _postgres,
    "rabbit-container": _rabbit_container,
    "postgres-container": _postgres_container,
}


def _leave(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the clearing up
    sys.exit()


def main(arguments: list[str]) -> None:
    """Serve. Leaves with a message on standard error if the service is not to be had."""
    signal.signal(signal.SIGTERM, _leave)
    if len(arguments) != 1 or arguments[0] not in SERVICES:
        sys.exit(f"usage: python -m warren.testing.services {'|'.join(SERVICES)}")
    try:
        with SERVICES[arguments[0]]() as addresses:
            print(json.dumps(addresses), flush=True)  # noqa: T201
            sys.stdin.buffer.read()
    except Exception as error:  # noqa: BLE001
        sys.exit(f"{arguments[0]}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
