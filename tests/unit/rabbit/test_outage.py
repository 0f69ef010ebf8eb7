"""What a person reads while the broker is away."""

import subprocess
import sys

import pytest

from warren.broker.rabbit import RabbitBroker
from warren.broker.rabbit.outage import Outage
from warren.errors import InvalidInput

ALONE = """
import asyncio
from warren.broker.rabbit import RabbitBroker
from warren.errors import BrokerUnavailable

async def connect():
    try:
        async with RabbitBroker("amqp://127.0.0.1:1/", connect_timeout_s=1.5):
            pass
    except BrokerUnavailable:
        print("unavailable")

asyncio.run(connect())
"""


def test_an_outage_is_told_once_however_many_wait_and_its_end_once(caplog):
    outage = Outage("h:5672")
    with caplog.at_level("INFO"):
        for purpose in ("publish", "consume", "publish"):
            outage.waits(purpose, "connecting to h:5672 (1st try: refused)")
        outage.over("control")
        outage.over("publish")
        outage.over("consume")
        outage.over("consume")
        outage.waits("publish", "connecting")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "waiting for RabbitMQ: connecting to h:5672 (1st try: refused)"),
        ("WARNING", "RabbitMQ is back"),
        ("WARNING", "waiting for RabbitMQ: connecting"),
    ]


def test_a_program_without_logging_sees_one_line_and_nothing_of_the_libraries_below():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60, check=True)
    [line] = done.stderr.splitlines()
    assert line.startswith("waiting for RabbitMQ: connecting to 127.0.0.1:1 (1st try: ")
    assert done.stdout == "unavailable\n"


@pytest.mark.parametrize("host", ["…", "a..b", "a" * 70])
def test_a_host_that_cannot_be_one_is_refused_in_words(host):
    with pytest.raises(InvalidInput, match="must look like amqp://"):
        RabbitBroker(f"amqp://{host}/")
