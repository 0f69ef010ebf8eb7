import asyncio

import pytest

from warren.runtime.service import host


class Recorder:
    def __init__(self):
        self.said = []
        self.running = asyncio.Event()

    async def run(self):
        self.running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.said.append("run ended")

    async def drain(self, grace_s):
        self.said.append(f"drained within {grace_s:g} s")


async def test_a_service_is_drained_before_it_is_ended():
    service, stop = Recorder(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(host(service, stop, 3))
        await service.running.wait()
        stop.set()
    assert service.said == ["drained within 3 s", "run ended"]


async def test_a_service_that_ends_by_itself_is_not_drained():
    class Brief(Recorder):
        async def run(self):
            self.said.append("done")

    service = Brief()
    await host(service, asyncio.Event(), 3)
    assert service.said == ["done"]


async def test_a_service_that_fails_is_not_drained():
    class Broken(Recorder):
        async def run(self):
            raise RuntimeError("bang")

    service = Broken()
    with pytest.raises(ExceptionGroup):
        await host(service, asyncio.Event(), 3)
    assert service.said == []


async def test_a_drain_that_hangs_is_cut_off(monkeypatch):
    monkeypatch.setattr("warren.runtime.service.DRAIN_MARGIN_S", 0.01)

    class Hanging(Recorder):
        async def drain(self, _):
            await asyncio.Event().wait()

    service, stop = Hanging(), asyncio.Event()
    stop.set()
    with pytest.raises(ExceptionGroup) as caught:
        await host(service, stop, 0.01)
    assert caught.group_contains(TimeoutError)
    assert service.said == ["run ended"]
