"""`python -m benchmarks.peers.dramatiq_client`: one group of no-op messages per run, with all of its results."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dramatiq import group

from benchmarks.driver import serve
from benchmarks.peers.dramatiq_app import noop_actor

JOIN_MS = 3_600_000


def main() -> None:
    noop = noop_actor()

    def fan_out(tasks: int) -> Collection[int]:
        running: Any = group(noop.message(index) for index in range(tasks))  # type: ignore[no-untyped-call]
        running.run()
        return list(running.get_results(block=True, timeout=JOIN_MS))

    serve(fan_out)


if __name__ == "__main__":
    main()
