from warren.runtime.health import Health
from warren.runtime.heartbeat import STUCK_AFTER_S
from warren.runtime.readiness import Readiness


class Pulse:
    age_s = 0.0


def test_a_stuck_event_loop_is_not_alive_and_the_answer_says_since_when():
    pulse = Pulse()
    health = Health(Readiness(), pulse, {"role": "worker"})
    assert health.livez()[0] == 200
    pulse.age_s = STUCK_AFTER_S + 2
    assert health.livez() == (
        503,
        {"status": "stuck", "role": "worker", "stuck": {"loop": "the event loop has been stuck for 12 s"}},
    )


def test_readiness_names_everything_that_is_waited_for():
    readiness, trouble = Readiness(), ["it is reconnecting"]
    readiness.watch("broker", lambda: trouble[0])
    readiness.watch("ledger", lambda: None)
    readiness.mark_started()
    health = Health(readiness, Pulse(), {})
    assert health.readyz() == (503, {"status": "waiting", "waiting_for": {"broker": "it is reconnecting"}})
    trouble[0] = None
    assert health.readyz()[0] == 200


def test_a_draining_process_is_started_but_not_ready():
    readiness = Readiness()
    readiness.mark_started()
    readiness.mark_draining()
    health = Health(readiness, Pulse(), {})
    assert health.startupz()[0] == 200
    assert health.readyz()[0] == 503
    assert health.livez()[0] == 200
