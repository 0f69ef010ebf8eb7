"""AMQP 0-9-1 frames as bytes: the few that carry messages, written and read a hundred at a time.

Everything else (connecting, declaring, consuming) is left to aiormq. Header tables are pamqp's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pamqp import decode, encode

from warren.broker.port import NO_HEADERS, Outgoing, Properties

METHOD: Final = 1
HEADER: Final = 2
BODY: Final = 3
FRAME_END: Final = 0xCE
FRAME_OVERHEAD: Final = 8
HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"

DELIVER: Final = (60, 60)
RETURN: Final = (60, 50)
ACK: Final = (60, 80)
NACK: Final = (60, 120)
CONNECTION_CLOSE: Final = (10, 50)
BLOCKED: Final = (10, 60)
UNBLOCKED: Final = (10, 61)

FRAME_START: Final = struct.Struct(">BHI")
METHOD_ID: Final = struct.Struct(">HH")
TAG_AND_BITS: Final = struct.Struct(">QB")
CONTENT_START: Final = struct.Struct(">HHQH")
LONG_LONG: Final = struct.Struct(">Q")
SETTLEMENT: Final = struct.Struct(">BHIHHQBB")

MANDATORY: Final = 1
_MULTIPLE: Final = 1
_NACK_REQUEUE: Final = 2

_CONTENT_TYPE: Final = 1 << 15
_CONTENT_ENCODING: Final = 1 << 14
_HEADERS: Final = 1 << 13
_DELIVERY_MODE: Final = 1 << 12
_PRIORITY: Final = 1 << 11
_CORRELATION_ID: Final = 1 << 10
_REPLY_TO: Final = 1 << 9
_EXPIRATION: Final = 1 << 8
_MESSAGE_ID: Final = 1 << 7
_TIMESTAMP: Final = 1 << 6
_TYPE: Final = 1 << 5
_USER_ID: Final = 1 << 4
_APP_ID: Final = 1 << 3


def short(text: str) -> bytes:
    """A short string. Raises ValueError where it is longer than 255 bytes."""
    data = text.encode()
    if len(data) > 255:  # noqa: PLR2004
        raise ValueError(f"{text[:40]!r}… has {len(data)} bytes, AMQP's short strings take 255")
    return bytes((len(data),)) + data


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return FRAME_START.pack(kind, channel, len(payload)) + payload + b"\xce"


def publish_method(channel: int, message: Outgoing) -> bytes:
    """The first frame of a publish; the same for every message to that exchange and key."""
    bits = bytes((MANDATORY if message.mandatory else 0,))
    address = short(message.exchange) + short(message.routing_key)
    return frame(METHOD, channel, b"\x00\x3c\x00\x28\x00\x00" + address + bits)


def content(channel: int, message: Outgoing, message_id: str, limit: int) -> Iterator[bytes]:
    """The header frame and the body frames, none with more than `limit` bytes of payload.

    Raises ValueError where the properties do not fit into one frame: the broker would hang up.
    """
    body = message.body
    header = _content_header(message.properties, message_id, len(body))
    if len(header) > limit:
        raise ValueError(f"its properties and headers have {len(header):,} bytes, a frame takes {limit:,}")
    yield frame(HEADER, channel, header)
    if len(body) <= limit:
        if body:
            yield frame(BODY, channel, body)
        return
    for start in range(0, len(body), limit):
        yield frame(BODY, channel, body[start : start + limit])


def _content_header(properties: Properties, message_id: str, size: int) -> bytes:
    flags = _DELIVERY_MODE | _PRIORITY
    parts = [b""]
    if properties.content_type is not None:
        flags |= _CONTENT_TYPE
        parts.append(short(properties.content_type))
    if properties.headers:
        flags |= _HEADERS
        parts.append(encode.field_table(dict(properties.headers)))
    parts.append(bytes((2 if properties.persistent else 1, properties.priority)))
    expiration = None if properties.expiration_ms is None else str(properties.expiration_ms)
    for flag, value in (
        (_CORRELATION_ID, properties.correlation_id),
        (_REPLY_TO, properties.reply_to),
        (_EXPIRATION, expiration),
        (_MESSAGE_ID, message_id),
    ):
        if value is not None:
            flags |= flag
            parts.append(short(value))
    if properties.timestamp_s is not None:
        flags |= _TIMESTAMP
        parts.append(LONG_LONG.pack(properties.timestamp_s))
    for flag, value in ((_TYPE, properties.type), (_USER_ID, properties.user_id), (_APP_ID, properties.app_id)):
        if value is not None:
            flags |= flag
            parts.append(short(value))
    parts[0] = CONTENT_START.pack(60, 0, size, flags)
    return b"".join(parts)


def ack(channel: int, tag: int, *, multiple: bool) -> bytes:
    return SETTLEMENT.pack(METHOD, channel, 13, *ACK, tag, _MULTIPLE if multiple else 0, FRAME_END)


def reject(channel: int, tag: int) -> bytes:
    """Refuse a delivery; the broker dead-letters it."""
    return SETTLEMENT.pack(METHOD, channel, 13, 60, 90, tag, 0, FRAME_END)


def give_back(channel: int, tag: int) -> bytes:
    """Put a delivery back: a nack, which brokers from 4.3 do not count as an attempt."""
    return SETTLEMENT.pack(METHOD, channel, 13, *NACK, tag, _NACK_REQUEUE, FRAME_END)


@dataclass(frozen=True, slots=True)
class Deliver:
    """The method frame of a delivery."""

    tag: int
    redelivered: bool
    exchange: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """An ack or a nack of the broker."""

    tag: int
    multiple: bool


@dataclass(frozen=True, slots=True)
class Return:
    """The method frame of a message that comes back because no queue got it."""

    reason: str
    exchange: str
    routing_key: str


def read_deliver(payload: bytes) -> Deliver:
    at = 5 + payload[4]
    tag, redelivered = TAG_AND_BITS.unpack_from(payload, at)
    exchange, at = _read_short(payload, at + TAG_AND_BITS.size)
    routing_key, _ = _read_short(payload, at)
    return Deliver(tag, bool(redelivered & 1), exchange, routing_key)


def read_confirm(payload: bytes) -> Confirm:
    tag, bits = TAG_AND_BITS.unpack_from(payload, METHOD_ID.size)
    return Confirm(tag, bool(bits & _MULTIPLE))


def read_return(payload: bytes) -> Return:
    reason, at = _read_short(payload, METHOD_ID.size + 2)
    exchange, at = _read_short(payload, at)
    routing_key, _ = _read_short(payload, at)
    return Return(reason, exchange, routing_key)


def read_blocked(payload: bytes) -> str:
    """The reason that the broker gives for blocking the connection."""
    return _read_short(payload, METHOD_ID.size)[0]


def read_close(payload: bytes) -> str:
    """The reason that the broker gives for closing the connection."""
    return _read_short(payload, METHOD_ID.size + 2)[0]


def read_content_header(payload: bytes) -> tuple[int, Properties]:
    """The size of the body that follows, and the properties.

    A stranger's text that is not UTF-8 is read with replacements, and a header table that cannot be read is left
    out: what somebody else published must not cost us the connection.
    """
    _, _, size, flags = CONTENT_START.unpack_from(payload)
    values: dict[str, Any] = {"content_type": None}
    at = CONTENT_START.size
    for flag, name, read in _FIELDS:
        if flags & flag:
            values[name], at = read(payload, at)
    values.pop("content_encoding", None)
    return size, Properties(**values)


def _read_short(payload: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + payload[at]
    try:
        return str(payload[at + 1 : end], "utf-8"), end
    except UnicodeDecodeError:  # U+FFFD would make it longer than what may be sent back
        return str(payload[at + 1 : end], "utf-8", "replace").replace("\ufffd", "?"), end


def _read_table(payload: bytes, at: int) -> tuple[Any, int]:
    end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
    with suppress(ValueError, TypeError, RecursionError, OverflowError, IndexError):
        return decode.field_table(payload[at:end])[1], end
    return NO_HEADERS, end


def _read_octet(payload: bytes, at: int) -> tuple[int, int]:
    return payload[at], at + 1


def _read_mode(payload: bytes, at: int) -> tuple[bool, int]:
    return payload[at] == 2, at + 1  # noqa: PLR2004


def _read_seconds(payload: bytes, at: int) -> tuple[int, int]:
    return LONG_LONG.unpack_from(payload, at)[0], at + LONG_LONG.size


def _read_expiration(payload: bytes, at: int) -> tuple[int | None, int]:
    text, end = _read_short(payload, at)
    return (int(text) if text.isdecimal() else None), end


_FIELDS: Final = (
    (_CONTENT_TYPE, "content_type", _read_short),
    (_CONTENT_ENCODING, "content_encoding", _read_short),
    (_HEADERS, "headers", _read_table),
    (_DELIVERY_MODE, "persistent", _read_mode),
    (_PRIORITY, "priority", _read_octet),
    (_CORRELATION_ID, "correlation_id", _read_short),
    (_REPLY_TO, "reply_to", _read_short),
    (_EXPIRATION, "expiration_ms", _read_expiration),
    (_MESSAGE_ID, "message_id", _read_short),
    (_TIMESTAMP, "timestamp_s", _read_seconds),
    (_TYPE, "type", _read_short),
    (_USER_ID, "user_id", _read_short),
    (_APP_ID, "app_id", _read_short),
)
