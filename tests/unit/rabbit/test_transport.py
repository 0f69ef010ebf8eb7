"""The tap takes the frames of messages however the socket cuts them, and leaves the others to aiormq."""

from warren.broker.rabbit import transport, wire
from warren.broker.rabbit.transport import FrameTap


class Collector:
    def __init__(self, refused=()):
        self.taken = []
        self._refused = refused

    def take(self, kind, payload):
        if payload in self._refused:
            return False
        self.taken.append((kind, payload))
        return True


FRAMES = [
    wire.frame(wire.METHOD, 0, b"for aiormq"),
    wire.frame(wire.METHOD, 5, b"taken"),
    wire.frame(wire.METHOD, 5, b"refused"),
    wire.frame(wire.BODY, 5, b"x" * 50),
    wire.frame(wire.METHOD, 6, b"nobody's"),
]


async def test_frames_are_told_apart_wherever_the_socket_cuts_them():
    stream = b"".join(FRAMES)
    for size in range(1, len(stream) + 1):
        tap, sink = FrameTap(), Collector(refused=(b"refused",))
        tap.sinks[5] = sink
        for at in range(0, len(stream), size):
            tap.feed_data(stream[at : at + size])
        tap.feed_eof()
        assert sink.taken == [(wire.METHOD, b"taken"), (wire.BODY, b"x" * 50)]
        assert (await tap.read()).replace(wire.HEARTBEAT, b"") == FRAMES[0] + FRAMES[2] + FRAMES[4]


async def test_a_connection_that_only_carries_messages_shows_signs_of_life():
    tap = FrameTap()
    tap.sinks[5] = Collector()
    tap.feed_data(FRAMES[1])
    assert await tap.readexactly(len(wire.HEARTBEAT)) == wire.HEARTBEAT


async def test_what_is_no_frame_reaches_aiormq_at_the_end():
    tap = FrameTap()
    tap.feed_data(b"AMQP\x00\x00\x09\x01")
    tap.feed_eof()
    assert await tap.read() == b"AMQP\x00\x00\x09\x01"


async def test_what_the_broker_says_about_the_connection_is_kept():
    tap = FrameTap()
    tap.feed_data(wire.frame(wire.METHOD, 0, b"\x00\x0a\x00\x3c" + wire.short("low on disk")))
    assert tap.blocked == "low on disk"
    tap.feed_data(wire.frame(wire.METHOD, 0, b"\x00\x0a\x00\x3d"))
    assert tap.blocked is None


class Socket:
    def __init__(self):
        self.is_read = True

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True


async def test_a_socket_that_is_not_read_shows_signs_of_life_until_it_is(monkeypatch):
    monkeypatch.setattr(transport, "SIGN_OF_LIFE_S", 0.01)
    tap, socket = FrameTap(), Socket()
    tap.set_transport(socket)
    tap.shut()
    tap.shut()
    assert not socket.is_read
    assert await tap.readexactly(3 * len(wire.HEARTBEAT)) == 3 * wire.HEARTBEAT
    tap.open()
    assert socket.is_read
    tap.shut()
    tap.feed_eof()
    assert await tap.read() == b""
