"""Somebody listens at the broker's address, and hangs up."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from warren.broker.rabbit import RabbitBroker
from warren.broker.rabbit.line import LineLost, translated
from warren.errors import BrokerUnavailable


@contextmanager
def answering(says):
    """A server that says something and hangs up, faster than we can ask; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.sendall(says)
                        connection.shutdown(socket.SHUT_WR)
                        connection.recv(8)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("says", [b"", b"\x01", b"AMQP\x00\x00\x09\x01", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_whoever_hangs_up_at_once_is_no_broker_yet(says):
    with answering(says) as port, pytest.raises(BrokerUnavailable, match=f"127.0.0.1:{port}"):
        await RabbitBroker(f"amqp://guest:guest@127.0.0.1:{port}/", connect_timeout_s=0.5).__aenter__()


async def test_what_aiormq_raises_when_nothing_follows_the_header_is_a_lost_connection():
    """It depends on the moment whether it does: uvloop reads the end before the header is out."""
    with pytest.raises(LineLost, match="connection lost"), translated():
        raise StopAsyncIteration
