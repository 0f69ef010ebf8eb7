from benchmarks.contender import WARM_UP_TASKS, Candidate, Guarantees
from benchmarks.services import Services
from benchmarks.suite import Suite, order_of_round


class ScriptedContender:
    """Notes what happens to it; `breaks_at` names the step that fails."""

    guarantees = Guarantees(confirms=True, acknowledged="-", results="-", record="-")

    def __init__(self, name, diary, breaks_at=None):
        self.name = name
        self._diary = diary
        self._breaks_at = breaks_at

    async def start(self):
        self._note("start")

    async def run(self, tasks):
        self._note(f"run {tasks}")
        return 0.5

    async def stop(self):
        self._note("stop")

    def processes(self):
        return {}

    def _note(self, step):
        self._diary.append(f"{self.name} {step}")
        if step == self._breaks_at:
            raise RuntimeError(f"{self.name} broke")


def candidate(name, diary=None, breaks_at=None):
    return Candidate(name, lambda _: ScriptedContender(name, [] if diary is None else diary, breaks_at), lambda _: None)


def suite(tmp_path, candidates, rounds=1):
    services = Services(tmp_path, "amqp://127.0.0.1", None, None, {})
    return Suite(candidates, services, rounds, tell=lambda _: None)


async def seconds_of_ten(contender):
    return {"seconds": await contender.run(10)}


def test_every_round_has_everybody_once_and_starts_with_another_one():
    three = [candidate(name) for name in "abc"]

    orders = ["".join(entry.name for entry in order_of_round(three, number)) for number in range(4)]

    assert orders == ["abc", "bac", "cab", "acb"]


async def test_a_turn_starts_warms_up_measures_and_stops(tmp_path):
    diary = []

    turns = await suite(tmp_path, [candidate("a", diary)]).play(seconds_of_ten)

    assert diary == ["a start", f"a run {WARM_UP_TASKS}", "a run 10", "a stop"]
    assert turns[0].figures == {"seconds": 0.5}


async def test_a_contender_that_fails_is_stopped_and_the_others_go_on(tmp_path):
    diary = []
    entered = [
        candidate("a", diary, breaks_at="run 10"),
        candidate("b", diary, breaks_at="start"),
        candidate("c", diary),
    ]

    turns = await suite(tmp_path, entered).play(seconds_of_ten)

    assert [turn.error for turn in turns] == ["RuntimeError: a broke", "RuntimeError: b broke", None]
    assert [step for step in diary if step.endswith("stop")] == ["a stop", "b stop", "c stop"]


async def test_an_error_of_a_watched_run_keeps_its_own_type_and_words(tmp_path):
    playing = suite(tmp_path, [candidate("a", breaks_at="run 10")])

    turns = await playing.play(lambda contender: playing.run_watched(contender, 10))

    assert turns[0].error == "RuntimeError: a broke"
