"""Which dead letters a command means, and which inputs fit them."""

import sys

import pytest

from warren.broker.port import Delivery, Properties
from warren.cli.dead.choice import Choice, choice, seconds
from warren.cli.dead.edited import check_input
from warren.cli.dead.queues import owners_of
from warren.cli.dead.replay import per_second
from warren.client.letter import Letter
from warren.errors import InvalidInput
from warren.messages.command import Again

PROJECT = "0197f0a0-0000-7000-8000-000000000001"
NOTHING = {"skill": None, "error": None, "project": None, "older": None, "newer": None, "team": None}
DELIVERY = Delivery("q", "", "", b"", Properties(), redelivered=False, tag=(1, 1))


def letter(**fields):
    known = {"number": 1, "owner": "t", "kind": "task", "code": "handler_error", "message": "", "type": "ValueError"}
    known |= {"team": "t", "skill": "s", "tasks": (Again(id=f"{PROJECT}/0"),), "given_up_s": 1_000.0}
    return Letter(**{**known, **fields}, delivery=DELIVERY)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Choice(), True),
        (Choice(named=(f"{PROJECT}/0",)), True),
        (Choice(named=("1",)), True),
        (Choice(named=("2", f"{PROJECT}/1")), False),
        (Choice(skill="s", error="handler_error"), True),
        (Choice(error="ValueError"), True),
        (Choice(error="KeyError"), False),
        (Choice(skill="other"), False),
        (Choice(project=PROJECT), True),
        (Choice(project="another"), False),
        (Choice(older_s=50.0), True),
        (Choice(older_s=200.0), False),
        (Choice(newer_s=200.0), True),
        (Choice(newer_s=50.0), False),
    ],
)
def test_a_choice_takes_what_fits_all_of_it(chosen, expected):
    assert chosen.takes(letter(), now=1_100.0) is expected


def test_a_letter_of_unknown_age_is_neither_old_nor_new():
    unknown = letter(given_up_s=None)
    assert not Choice(older_s=0.0).takes(unknown, 1.0)
    assert not Choice(newer_s=9e9).takes(unknown, 1.0)


@pytest.mark.parametrize(
    ("age", "expected"), [("90", 90.0), ("90s", 90.0), ("15m", 900.0), ("2h", 7200.0), ("3d", 259200.0)]
)
def test_ages_are_written_as_people_write_them(age, expected):
    assert seconds(age, "--older") == expected


@pytest.mark.parametrize("age", ["", "soon", "-1s", "1w", "1 h"])
def test_what_is_no_age_is_refused(age):
    with pytest.raises(InvalidInput, match="--older"):
        seconds(age, "--older")


@pytest.mark.parametrize("rate", ["0/s", "-1", "fast", "", "nan", "1e9/s"])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(InvalidInput, match="tasks per second"):
        per_second(rate)


def test_a_number_needs_its_queue():
    with pytest.raises(InvalidInput, match="--team"):
        choice(["3"], **NOTHING)
    assert choice(["3"], **{**NOTHING, "team": "t"}).named == ("3",)


def test_the_queues_are_the_teams_and_the_directors(tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text("{version: 1, teams: {a: {skills: {s: {}}}, b: {skills: {s: {}}}}}")
    assert owners_of(None, file) == ["a", "b", "director"]
    assert owners_of("b", None) == ["b"]
    with pytest.raises(InvalidInput, match="--team"):
        owners_of(None, None)
    with pytest.raises(InvalidInput, match="no team"):
        owners_of("no team", None)


@pytest.fixture
def cluster_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "typed_skills.py").write_text(
        "from warren import skill\n\n@skill('s')\nasync def s(n: int, name: str = '') -> dict:\n    return {}\n"
    )
    file = tmp_path / "cluster.yaml"
    file.write_text("{version: 1, teams: {t: {modules: [typed_skills], skills: {s: {}}}}}")
    yield file
    sys.modules.pop("typed_skills", None)


def test_an_input_is_checked_by_the_skill(cluster_file):
    assert check_input({"n": 1}, [letter()], cluster_file) is None
    with pytest.raises(InvalidInput) as caught:
        check_input({"n": "many"}, [letter()], cluster_file)
    assert (caught.value.code, caught.value.pointer) == ("input_invalid", "/n")


def test_where_the_skill_is_not_known_it_is_said_that_nothing_was_checked(cluster_file, tmp_path):
    assert "--cluster" in check_input({"n": 1}, [letter()], None)
    cluster_file.write_text("{version: 1, teams: {t: {modules: [nowhere], skills: {s: {}}}}}")
    assert "not checked" in check_input({"n": 1}, [letter()], cluster_file)


def test_one_input_is_for_one_skill(cluster_file):
    with pytest.raises(InvalidInput, match="t/other, t/s"):
        check_input({"n": 1}, [letter(), letter(skill="other")], cluster_file)
