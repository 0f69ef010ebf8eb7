"""`python -m benchmarks.peers.celery_worker`: the prefork worker, as `celery worker` would start it."""

from __future__ import annotations

from benchmarks.peers.celery_app import CelerySettings, celery_app

QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]


def main() -> None:
    settings = CelerySettings.from_arguments()
    app, _ = celery_app(settings)
    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", f"--hostname={settings.queue}@%h", *QUIET])


if __name__ == "__main__":
    main()
