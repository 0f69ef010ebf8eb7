"""What the management API tells of a broker beyond its topology: versions, rights, its clock."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from warren.errors import BrokerUnavailable

TIMEOUT_S: Final = 15.0
Rights = Mapping[tuple[str, str], tuple[str, ...]]
"""(user, exchange) to patterns; without an exchange the regular rights: configure, write, read."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A broker as its management API shows it; `rights` is None where the user may not see them.

    `ahead_s` is how much its clock is ahead of ours, to about a second. `alarms` name the node and what it is low on.
    """

    rabbitmq: str
    erlang: str
    nodes: Mapping[str, str]
    ahead_s: float
    rights: Rights | None
    alarms: tuple[str, ...] = ()


async def inspect(management_url: str, amqp_url: str) -> Inspection:
    """Ask the management API, with user and password of `amqp_url`. Raises BrokerUnavailable."""
    return await asyncio.to_thread(_Api(management_url, amqp_url).inspected)


class _Api:
    def __init__(self, management_url: str, amqp_url: str) -> None:
        amqp = urlsplit(amqp_url)
        credentials = f"{unquote(amqp.username or 'guest')}:{unquote(amqp.password or 'guest')}"
        self._authorization = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        self._vhost = quote(unquote(amqp.path.removeprefix("/")) or "/", safe="")
        self._base = urlsplit(management_url)
        self._ahead_s = 0.0

    def inspected(self) -> Inspection:
        overview = self._got("/api/overview")
        if not isinstance(overview, dict):
            raise BrokerUnavailable(f"the management API at {self._base.hostname} refuses: the user needs a tag for it")
        nodes = self._got("/api/nodes?columns=name,applications,mem_alarm,disk_free_alarm") or []
        return Inspection(
            str(overview.get("rabbitmq_version", "")),
            str(overview.get("erlang_version", "")),
            {node["name"]: _version(node) for node in nodes},
            self._ahead_s,
            self._rights(),
            tuple(f"{node['name']} is low on {what}" for node in nodes for what in _lacks(node)),
        )

    def _rights(self) -> Rights | None:
        plain = self._got(f"/api/vhosts/{self._vhost}/permissions")
        topics = self._got(f"/api/vhosts/{self._vhost}/topic-permissions")
        if plain is None or topics is None:
            return None
        regular = {(each["user"], ""): (each["configure"], each["write"], each["read"]) for each in plain}
        return regular | {(each["user"], each["exchange"]): (each["write"], each["read"]) for each in topics}

    def _got(self, path: str) -> Any:
        """The answer; None where the user has no right to it. Raises BrokerUnavailable."""
        kind = http.client.HTTPSConnection if self._base.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(self._base.hostname or "", self._base.port, timeout=TIMEOUT_S)
            try:
                connection.request(
                    "GET", self._base.path.rstrip("/") + path, headers={"Authorization": self._authorization}
                )
                response = connection.getresponse()
                self._note_clock(response.getheader("Date"))
                body = response.read()
                return json.loads(body) if response.status == HTTPStatus.OK else None
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            where = f"{self._base.hostname}:{self._base.port}"
            raise BrokerUnavailable(f"the management API at {where} does not answer: {error}") from error

    def _note_clock(self, date: str | None) -> None:
        """A date in whole seconds is on average half a second old."""
        if date:
            self._ahead_s = parsedate_to_datetime(date).timestamp() + 0.5 - time.time()


def _version(node: Mapping[str, Any]) -> str:
    return next((app["version"] for app in node.get("applications", ()) if app["name"] == "rabbit"), "?")


def _lacks(node: Mapping[str, Any]) -> list[str]:
    return [what for alarm, what in (("mem_alarm", "memory"), ("disk_free_alarm", "disk")) if node.get(alarm) is True]
