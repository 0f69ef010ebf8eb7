"""The whole cluster on virtual time, with everything going wrong: `make simulate` runs many more of these seeds."""

import os
import subprocess
import sys

import pytest

from warren.coordination import sweeper
from warren.coordination.effects import Effects
from warren.coordination.replay import Replay
from warren.testing.simulation.run import simulate
from worker.outbox import Outbox
from worker.running import Handlers

SEEDS_PER_PART = 10
ENOUGH_TO_NOTICE = 40
REPLAYED = 354
"""A seed that replays, and whose client hears of the end after it before it hears that it was opened again."""
SHORT_S = 40.0  # of virtual time: long after the storm


@pytest.mark.parametrize("part", range(4))
def test_no_seed_breaks_a_promise(part):
    for seed in range(part * SEEDS_PER_PART, (part + 1) * SEEDS_PER_PART):
        run = simulate(seed)
        assert run.is_good, (f"make simulate SEED={seed}", run.complaints)


@pytest.mark.parametrize("seed", [7, REPLAYED])
def test_a_seed_is_the_same_run_in_every_process(seed):
    fingerprints = {fingerprint(seed=seed, hash_seed=hash_seed) for hash_seed in "12"}
    assert fingerprints == {simulate(seed).fingerprint}
    assert simulate(8).fingerprint not in fingerprints


def test_an_end_that_comes_before_the_answer_to_a_replay_is_heard():
    assert simulate(REPLAYED).complaints == []


def fingerprint(*, seed, hash_seed):
    """As the command says it, where sets of texts have an order of their own."""
    command = [sys.executable, "-m", "warren.testing.simulation", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return said.rpartition("fingerprint ")[2].strip()


def forget_what_was_not_sent(monkeypatch):
    monkeypatch.setattr(sweeper, "stale_unsent", lambda *_: [])
    monkeypatch.setattr("warren.coordination.settlement.sent_again", lambda *_: Effects())
    monkeypatch.setattr("teamlead.teamlead.sent_again", lambda *_: Effects())
    monkeypatch.setattr("director.director.sent_again", lambda *_: Effects())


def forget_what_was_not_reported(monkeypatch):
    monkeypatch.setattr(sweeper, "stale_unreported", lambda *_: [])
    monkeypatch.setattr("warren.coordination.settlement.unheard", lambda *_: [])


def ack_before_the_confirm(monkeypatch):
    send = Outbox._send

    async def hasty(outbox, parcels):
        await outbox._settle(parcels)
        await send(outbox, [])
        await outbox._publish(parcels)

    monkeypatch.setattr(Outbox, "_send", hasty)


def let_old_tombstones_stop_what_was_opened_again(monkeypatch):
    unwanted = Handlers.unwanted
    monkeypatch.setattr(Handlers, "unwanted", lambda handlers, task_id, _replay=0: unwanted(handlers, task_id, 0))


def replay_what_is_under_way(monkeypatch):
    judge = Replay._judge

    def judged(replay, case):
        verdicts = judge(replay, case)
        verdicts.able += [task for task in verdicts.already if case.tasks[task].status == "open"]
        return verdicts

    monkeypatch.setattr(Replay, "_judge", judged)


@pytest.mark.parametrize(
    "mistake",
    [
        forget_what_was_not_sent,
        forget_what_was_not_reported,
        ack_before_the_confirm,
        let_old_tombstones_stop_what_was_opened_again,
        replay_what_is_under_way,
    ],
    ids=lambda it: it.__name__,
)
def test_a_mistake_in_the_engine_is_noticed(monkeypatch, mistake):
    mistake(monkeypatch)
    assert any(not simulate(seed, limit_s=SHORT_S).is_good for seed in range(ENOUGH_TO_NOTICE))
