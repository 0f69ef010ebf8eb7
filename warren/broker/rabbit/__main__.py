"""Run a private node until SIGTERM or Ctrl-C: `python -m warren.broker.rabbit --data DIR`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from warren.broker.rabbit.node import PrivateNode
from warren.errors import BrokerUnavailable


async def run(data: Path, port: int | None) -> None:
    """Print the node's addresses, one a line, when it takes connections."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with PrivateNode(data, port=port) as node:
        sys.stdout.write(f"{node.amqp_url}\n{node.management_url}\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m warren.broker.rabbit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the node's folder; it is made if it is missing")
    parser.add_argument("--port", type=int, help="for AMQP; by default the one of before, or any free one")
    chosen = parser.parse_args()
    try:
        asyncio.run(run(chosen.data, chosen.port))
    except BrokerUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
