"""`python -m benchmarks.peers.celery_client`: one group of no-op tasks per run, joined."""

from __future__ import annotations

from collections.abc import Collection

from celery import group  # type: ignore[import-untyped]

from benchmarks.driver import serve
from benchmarks.peers.celery_app import CelerySettings, celery_app

JOIN_S = 3600


def main() -> None:
    _, noop = celery_app(CelerySettings.from_arguments())

    def fan_out(tasks: int) -> Collection[int]:
        results: list[int] = group(noop.s(index) for index in range(tasks)).apply_async().get(timeout=JOIN_S)
        return results

    serve(fan_out)


if __name__ == "__main__":
    main()
