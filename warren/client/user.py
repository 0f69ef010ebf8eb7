"""Who a client is to the broker."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit


def connected_user(url: str) -> str | None:
    """The user that a connection to this URL has for certain; None where a certificate decides.

    >>> connected_user("amqp://shop%2Fone:secret@localhost/")
    'shop/one'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    by_certificate = any(way.upper() == "EXTERNAL" for way in parse_qs(parts.query).get("auth", ()))
    return None if by_certificate or not parts.username else unquote(parts.username)
