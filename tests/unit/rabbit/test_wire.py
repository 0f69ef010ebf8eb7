"""Frames are what pamqp reads and writes, and a stranger's nonsense does not stop us."""

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.header import ContentHeader

from warren.broker.port import Outgoing, Properties
from warren.broker.rabbit import wire

SHORT = st.text(max_size=60)
PROPERTIES = st.builds(
    Properties,
    type=st.none() | SHORT,
    correlation_id=st.none() | SHORT,
    reply_to=st.none() | SHORT,
    priority=st.integers(0, 255),
    expiration_ms=st.none() | st.integers(0, 2**40),
    timestamp_s=st.none() | st.integers(0, 2**40),
    app_id=st.none() | SHORT,
    user_id=st.none() | SHORT,
    content_type=st.none() | SHORT,
    persistent=st.booleans(),
    headers=st.dictionaries(
        st.text(min_size=1, max_size=20), st.integers(-(2**40), 2**40) | SHORT | st.booleans(), max_size=5
    ),
)


@given(PROPERTIES, st.integers(0, 20_000), st.integers(5_000, 6_000))
def test_what_is_written_reads_the_same(properties, count, limit):
    body = bytes(n % 251 for n in range(count))
    message = Outgoing("x", "k", body, properties)
    header, *bodies = wire.content(3, message, "the-id", limit)
    size, read = wire.read_content_header(header[wire.FRAME_START.size : -1])
    assert size == len(body)
    assert b"".join(frame[7:-1] for frame in bodies) == body
    assert all(len(frame) <= limit + wire.FRAME_OVERHEAD for frame in bodies)
    written = {name: getattr(properties, name) for name in Properties.__slots__}
    assert {name: getattr(read, name) for name in Properties.__slots__} == written | {"message_id": "the-id"}


@given(PROPERTIES)
def test_pamqp_reads_what_is_written(properties):
    header = next(wire.content(3, Outgoing("x", "k", b"abc", properties), "the-id", 10_000))
    _, channel, read = pamqp.frame.unmarshal(header)
    assert isinstance(read, ContentHeader)
    assert (channel, read.body_size, read.properties.message_id) == (3, 3, "the-id")
    assert read.properties.correlation_id == properties.correlation_id
    assert read.properties.priority == properties.priority


@given(SHORT, SHORT, st.booleans())
def test_pamqp_reads_a_publish(exchange, key, mandatory):
    _, _, read = pamqp.frame.unmarshal(wire.publish_method(9, Outgoing(exchange, key, b"", mandatory=mandatory)))
    assert isinstance(read, commands.Basic.Publish)
    assert (read.exchange, read.routing_key, read.mandatory, read.immediate) == (exchange, key, mandatory, False)


@pytest.mark.parametrize(
    ("frame", "kind", "tag", "bits"),
    [
        (wire.ack(2, 5, multiple=True), commands.Basic.Ack, 5, {"multiple": True}),
        (wire.ack(2, 5, multiple=False), commands.Basic.Ack, 5, {"multiple": False}),
        (wire.reject(2, 2**40), commands.Basic.Reject, 2**40, {"requeue": False}),
        (wire.give_back(2, 6), commands.Basic.Nack, 6, {"requeue": True, "multiple": False}),
    ],
)
def test_pamqp_reads_a_settlement(frame, kind, tag, bits):
    _, channel, read = pamqp.frame.unmarshal(frame)
    assert isinstance(read, kind)
    assert (channel, read.delivery_tag) == (2, tag)
    assert {name: getattr(read, name) for name in bits} == bits


def payload(command):
    return pamqp.frame.marshal(command, 1)[wire.FRAME_START.size : -1]


def test_what_pamqp_writes_is_read():
    assert wire.read_deliver(
        payload(commands.Basic.Deliver("ctag", 2**40, redelivered=True, exchange="x", routing_key="k.ä"))
    ) == wire.Deliver(2**40, redelivered=True, exchange="x", routing_key="k.ä")
    assert wire.read_confirm(payload(commands.Basic.Ack(12, multiple=True))) == wire.Confirm(12, multiple=True)
    assert wire.read_confirm(payload(commands.Basic.Nack(12, multiple=False, requeue=True))) == wire.Confirm(
        12, multiple=False
    )
    assert wire.read_return(payload(commands.Basic.Return(312, "NO_ROUTE", "x", "k"))) == wire.Return(
        "NO_ROUTE", "x", "k"
    )
    assert wire.read_blocked(payload(commands.Connection.Blocked("low on memory"))) == "low on memory"
    assert wire.read_close(payload(commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0))) == "CONNECTION_FORCED"


def test_text_that_is_not_utf8_is_read_with_replacements():
    method = b"\x00\x3c\x00\x3c\x01c" + wire.TAG_AND_BITS.pack(1, 0) + b"\x01x" + b"\x03k\xff\xfe"
    key = wire.read_deliver(method).routing_key
    assert (key[0], len(key)) == ("k", 3)


@pytest.mark.parametrize(
    "table",
    [
        b"\x01\xffS\x00\x00\x00\x01a",  # a name that is not UTF-8
        b"\x01aZ",  # a type that does not exist
        b"\xff",  # a name that ends after its table
        b"\x01aF\xff\xff\xff\xff" * 3,  # a table in a table that is longer than both
    ],
)
def test_a_header_table_that_cannot_be_read_is_left_out_and_the_rest_is_kept(table):
    flags = wire._HEADERS | wire._TYPE
    header = wire.CONTENT_START.pack(60, 0, 5, flags) + len(table).to_bytes(4, "big") + table + wire.short("t")
    size, properties = wire.read_content_header(header)
    assert (size, properties.type, dict(properties.headers)) == (5, "t", {})


def test_headers_nested_a_thousand_deep_are_left_out():
    table = b""
    for _ in range(1_000):
        table = b"\x01aF" + len(table).to_bytes(4, "big") + table
    header = wire.CONTENT_START.pack(60, 0, 0, wire._HEADERS) + len(table).to_bytes(4, "big") + table
    assert isinstance(wire.read_content_header(header)[1], Properties)


@given(st.binary(max_size=255))
def test_a_strangers_text_is_no_longer_after_reading_than_before(raw):
    read, end = wire._read_short(bytes((len(raw),)) + raw, 0)
    assert end == len(raw) + 1
    assert len(read.encode()) <= len(raw)


def test_properties_that_do_not_fit_into_a_frame_are_not_written():
    message = Outgoing("x", "k", b"", Properties(headers={"h": "x" * 5_000}))
    with pytest.raises(ValueError, match="a frame takes 4,096"):
        list(wire.content(1, message, "id", 4_096))
