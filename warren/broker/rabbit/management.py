"""What a broker holds, asked of its management API: for telling where it has drifted from the topology."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from warren.errors import BrokerUnavailable

TIMEOUT_S: Final = 15.0


async def fetch_definitions(management_url: str, amqp_url: str) -> dict[str, Any]:
    """The definitions of the vhost that `amqp_url` names, as `topology.live_topology` reads them.

    User and password are those of `amqp_url`; the user needs the tag `management`. Raises BrokerUnavailable.
    """
    return await asyncio.to_thread(_fetch, management_url, amqp_url)


def _fetch(management_url: str, amqp_url: str) -> dict[str, Any]:
    amqp = urlsplit(amqp_url)
    credentials = f"{unquote(amqp.username or 'guest')}:{unquote(amqp.password or 'guest')}"
    vhost = unquote(amqp.path.removeprefix("/")) or "/"
    answer, body = _get(management_url, f"/api/definitions/{quote(vhost, safe='')}", credentials)
    match answer:
        case HTTPStatus.OK:
            return _document(management_url, body)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            reason = "the user's name or password is wrong, or it lacks the tag 'management'"
        case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST:
            reason = f"there is no vhost {vhost!r}"
        case _:
            reason = f"it answered with status {answer}"
    raise BrokerUnavailable(f"the management API at {_shown(management_url)} gave no definitions: {reason}")


def _get(management_url: str, path: str, credentials: str) -> tuple[int, bytes]:
    base = urlsplit(management_url)
    kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
    token = base64.b64encode(credentials.encode()).decode()
    try:
        connection = kind(base.hostname or "", base.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", base.path.rstrip("/") + path, headers={"Authorization": f"Basic {token}"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BrokerUnavailable(
            f"the management API at {_shown(management_url)} does not answer: {error}; "
            "is the plugin rabbitmq_management enabled, and the URL right?"
        ) from error


def _document(management_url: str, body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise BrokerUnavailable(f"{_shown(management_url)} is not a management API: its answer is not an object")
    return document


def _shown(url: str) -> str:
    """Without a user and a password, should somebody have put them there."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
