"""`python -m warren.cli.wait`: hold a container back until what its role stands on is there.

An orchestrator starts everything at once. A role whose queue is missing would end, and be started again later and
later.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from warren.errors import BrokerUnavailable, InvalidInput, LedgerUnavailable, QueueMissing, WarrenError

Check = Callable[[], Coroutine[Any, Any, None]]

AGAIN_S: Final = 1.0
NOT_YET: Final = (BrokerUnavailable, LedgerUnavailable, QueueMissing)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is there, 3 when it is not in time, 2 for what cannot be used."""
    chosen = _parser().parse_args(arguments)
    checks: list[Check] = [partial(_queue, name) for name in chosen.queue]
    if chosen.ledger:
        checks.append(_ledger)
    try:
        asyncio.run(_wait(checks, chosen.within))
    except NOT_YET as error:
        sys.stderr.write(f"still missing after {chosen.within:g} s: {error}\n")
        return 3
    except WarrenError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m warren.cli.wait", description=__doc__)
    parser.add_argument("--queue", action="append", default=[], help="a queue at WARREN_AMQP_URL; may be repeated")
    parser.add_argument("--ledger", action="store_true", help="the tables at WARREN_LEDGER_URL")
    parser.add_argument("--within", type=float, default=300.0, metavar="SECONDS")
    return parser


async def _wait(checks: Sequence[Check], limit_s: float) -> None:
    """Raises what was missing last."""
    end_s = asyncio.get_running_loop().time() + limit_s
    for check in checks:
        await _until(check, end_s)


async def _until(check: Check, end_s: float) -> None:
    told = ""
    while True:
        try:
            await check()
        except NOT_YET as error:
            if asyncio.get_running_loop().time() + AGAIN_S > end_s:
                raise
            if told != str(error):
                told = str(error)
                sys.stderr.write(f"waiting: {told}\n")
        else:
            return
        await asyncio.sleep(AGAIN_S)


async def _queue(name: str) -> None:
    from warren.broker.rabbit.broker import RabbitBroker

    async with RabbitBroker(os.environ["WARREN_AMQP_URL"], name="wait") as broker:
        await broker.depth(name)


async def _ledger() -> None:
    """Opening it brings its tables up to date, which is for a user who may, and fails for others until it is done."""
    from warren.ledger.ledger import open_ledger

    ledger = open_ledger(os.environ["WARREN_LEDGER_URL"])
    try:
        async with ledger:
            pass
    except InvalidInput as error:
        raise LedgerUnavailable(error.message) from None


if __name__ == "__main__":
    sys.exit(main())
