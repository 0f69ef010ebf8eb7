"""A service to run as a process: what it does is told by the environment variable DO."""

import asyncio
import gc
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from warren.errors import BrokerUnavailable
from warren.runtime.process import main
from warren.runtime.settings import ServiceSettings


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def hold():
    say("held")
    threading.Event().wait()


class Sleeper:
    """Sleeps until it is drained; `DO` makes it misbehave."""

    def __init__(self, do):
        self.do = do

    async def run(self):
        if self.do == "fail":
            raise BrokerUnavailable("no broker at amqp://me:hunter2@nowhere/")
        if self.do == "crash":
            raise RuntimeError("bang amqp://me:hunter2@nowhere/")
        if self.do == "hold a thread":
            asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1), hold)
        if self.do == "count":
            say("set aside" if gc.get_freeze_count() > 1000 else "in the way")
        if self.do in ("end", "count"):
            return
        while self.do == "deaf":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                say("deaf")
        await asyncio.Event().wait()

    async def drain(self, grace_s):
        say(f"draining within {grace_s:g} s")
        if self.do == "slow":
            await asyncio.sleep(grace_s)
        say("drained")


def sleeper(settings):
    do = os.environ.get("DO", "sleep")

    @asynccontextmanager
    async def factory(readiness, telemetry):
        readiness.watch("broker", lambda: None)
        if do == "never ready":
            readiness.watch("broker", lambda: "a connection to amqp://nowhere")
            say("waiting")
            await asyncio.Event().wait()
        try:
            yield Sleeper(do)
        finally:
            say("closed")

    return factory


if __name__ == "__main__":
    sys.exit(main("sleeper", ServiceSettings, sleeper))
