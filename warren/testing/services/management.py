"""RabbitMQ's management API, as far as tests need it: a virtual host of one's own."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

from warren.errors import BrokerUnavailable

TIMEOUT_S: Final = 15.0
OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Management:
    """The API at `url`, used with the name and password of an administrator."""

    url: str
    user: str
    password: str

    @classmethod
    def of(cls, amqp_url: str, management_url: str) -> Self:
        """With the user of an AMQP URL."""
        parts = urlsplit(amqp_url)
        return cls(management_url, unquote(parts.username or "guest"), unquote(parts.password or "guest"))

    def create_vhost(self, name: str) -> None:
        """Make a virtual host in which the user may do everything."""
        self._call("PUT", f"/api/vhosts/{quote(name, safe='')}", {})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._call("PUT", f"/api/permissions/{quote(name, safe='')}/{quote(self.user, safe='')}", everything)

    def delete_vhost(self, name: str) -> None:
        """Remove a virtual host and all that is in it; connections to it are closed."""
        self._call("DELETE", f"/api/vhosts/{quote(name, safe='')}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, parts.path.rstrip("/") + path, json.dumps(body or {}), self._headers())
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except OSError as error:
            raise BrokerUnavailable(f"the management API at {self.url} does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status not in OK:
            raise BrokerUnavailable(f"{method} {self.url}{path} was answered with {answer.status}: {text}")

    def _headers(self) -> dict[str, str]:
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {token}", "Content-Type": "application/json"}


def in_vhost(amqp_url: str, vhost: str) -> str:
    """The same broker, another virtual host."""
    return urlsplit(amqp_url)._replace(path="/" + quote(vhost, safe="")).geturl()
