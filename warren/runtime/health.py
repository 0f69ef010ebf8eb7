"""`/livez`, `/readyz` and `/startupz`: whether to kill, to send work to, or to wait for this process; and `/metrics`.

The server has a thread and an event loop of its own, so that it can say that the process's loop is stuck.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from warren.errors import InvalidInput
from warren.runtime.heartbeat import STUCK_AFTER_S, Heartbeat
from warren.runtime.readiness import Readiness
from warren.telemetry.prometheus import CONTENT_TYPE

OK: Final = 200
UNAVAILABLE: Final = 503


class Health:
    """The three answers, as (HTTP status, JSON body)."""

    def __init__(self, readiness: Readiness, heartbeat: Heartbeat, who: dict[str, str]) -> None:
        self._readiness = readiness
        self._heartbeat = heartbeat
        self._who = who

    def livez(self) -> tuple[int, dict[str, object]]:
        age_s = self._heartbeat.age_s
        if age_s > STUCK_AFTER_S:
            return self._answer(stuck={"loop": f"the event loop has been stuck for {age_s:.0f} s"}, status="stuck")
        return self._answer(status="alive")

    def readyz(self) -> tuple[int, dict[str, object]]:
        waits = self._readiness.waiting_for()
        return self._answer(waiting_for=waits, status="waiting" if waits else "ready")

    def startupz(self) -> tuple[int, dict[str, object]]:
        if self._readiness.started:
            return self._answer(status="started")
        return self._answer(waiting_for=self._readiness.waiting_for(), status="starting")

    def _answer(self, *, status: str, **trouble: dict[str, str]) -> tuple[int, dict[str, object]]:
        code = UNAVAILABLE if any(trouble.values()) else OK
        return code, {"status": status, **self._who, **trouble}


class HealthServer:
    """Serves the three answers as long as its `async with`. Port 0 takes a free one; `url` tells which."""

    def __init__(self, health: Health, host: str, port: int, metrics: Callable[[], str] = str) -> None:
        """`metrics` gives the page for Prometheus."""
        self._socket = _bound(host, port)
        config = uvicorn.Config(
            _application(health, metrics), log_config=None, access_log=False, lifespan="off", ws="none", loop="asyncio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        await asyncio.shield(asyncio.to_thread(self._thread.join))
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _application(health: Health, metrics: Callable[[], str]) -> Starlette:
    def route(path: str, answer: str) -> Route:
        async def endpoint(_: Request) -> JSONResponse:
            code, body = getattr(health, answer)()
            return JSONResponse(body, status_code=code)

        return Route(path, endpoint)

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse(metrics(), headers={"Content-Type": CONTENT_TYPE})

    probes = [route(f"/{name}", name) for name in ("livez", "readyz", "startupz")]
    return Starlette(routes=[*probes, Route("/metrics", page)])


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # from here on callers wait for the answer instead of being refused
    except OSError as error:
        raise InvalidInput(
            "health_address",
            f"the health endpoints cannot listen on {host}:{port}: {error.strerror or error}; set WARREN_HEALTH_PORT "
            "to another port, to 0 for a free one, or to off",
        ) from None
    return listener
