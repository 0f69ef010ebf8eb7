"""Making users and giving them their rights, by the broker's management API."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from warren.errors import BrokerUnavailable

TIMEOUT_S: Final = 30.0
MAX_REASON_CHARS: Final = 300
DONE: Final = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)


async def import_definitions(management_url: str, amqp_url: str, document: Mapping[str, Any]) -> None:
    """Add what a definitions document holds; users that exist get the new password and rights.

    User and password are those of `amqp_url`; the user needs the tag `administrator`. Raises BrokerUnavailable with
    what the broker says against it, unless that repeats the hash of a password.
    """
    await asyncio.to_thread(_import, management_url, amqp_url, document)


def _import(management_url: str, amqp_url: str, document: Mapping[str, Any]) -> None:
    base = urlsplit(management_url)
    where = f"the management API at {base.hostname}:{base.port}"
    try:
        status, answer = _post(base.scheme, base.hostname or "", base.port, base.path, amqp_url, document)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise BrokerUnavailable(
            f"{where} does not answer: {error}; is the plugin rabbitmq_management enabled, and the URL right?"
        ) from error
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise BrokerUnavailable(f"{where} refuses: the user's name or password is wrong, or it is no administrator")
    if status not in DONE:
        reason = _reason(answer, document)
        raise BrokerUnavailable(f"{where} did not take the users: it answered with status {status}{reason}")


def _reason(answer: str, document: Mapping[str, Any]) -> str:
    hashes = [user.get("password_hash") for user in document.get("users", ())]
    if not answer or any(each and each in answer for each in hashes):
        return ""
    return f": {answer[:MAX_REASON_CHARS]}"


def _post(
    scheme: str, host: str, port: int | None, path: str, amqp_url: str, document: Mapping[str, Any]
) -> tuple[int, str]:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Basic {_credentials(amqp_url)}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"{path.rstrip('/')}/api/definitions", json.dumps(document), headers)
        answered = connection.getresponse()
        return answered.status, answered.read().decode(errors="replace")
    finally:
        connection.close()


def _credentials(amqp_url: str) -> str:
    parts = urlsplit(amqp_url)
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    return base64.b64encode(f"{user}:{password}".encode()).decode()
