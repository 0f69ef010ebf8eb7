"""Finding skills in modules."""

import sys

import pytest

from warren.errors import SkillError
from warren.skills.registry import chosen, load_skills, skills_of_team

HEAD = "from warren import skill\n"
DOUBLE = '@skill("double")\ndef double(n: int) -> dict: return {"n": 2 * n}\n'
EDIT = '@skill("edit", team="editors")\ndef edit(text: str) -> dict: return {"text": text}\n'


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_skill_that_two_modules_show_is_one_skill(write):
    write("reg_first", HEAD + DOUBLE)
    write("reg_second", "from reg_first import double\n")

    assert [made.name for made in load_skills(["reg_first", "reg_second"])] == ["double"]


def test_a_worker_gets_its_teams_skills_and_those_of_no_team(write):
    skills = load_skills([write("reg_mixed", HEAD + DOUBLE + EDIT)])

    assert set(skills_of_team(skills, "editors")) == {"double", "edit"}
    assert set(skills_of_team(skills, "scouts")) == {"double"}


def test_two_skills_of_one_name_are_refused_with_both_places(write):
    modules = [write("reg_one", HEAD + DOUBLE), write("reg_two", HEAD + DOUBLE)]

    with pytest.raises(SkillError, match=r"reg_one\.py:.* and .*reg_two\.py:"):
        skills_of_team(load_skills(modules), "t")


def test_an_unknown_skill_is_refused_with_a_guess(write):
    skills = skills_of_team(load_skills([write("reg_known", HEAD + DOUBLE)]), "t")

    with pytest.raises(SkillError, match="did you mean 'double'"):
        chosen(skills, ["duoble"])
    assert set(chosen(skills, ["double"])) == {"double"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_at_all\n", "nowhere_at_all"),
        ("1 / 0\n", r"ZeroDivisionError.*reg_broken\.py:1"),
        ("def broken(:\n", "SyntaxError"),
        ("raise SystemExit(3)\n", "SystemExit"),
        (HEAD + '@skill("x")\ndef x(): ...\n', "return type is missing"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(write, text, words):
    name = write("reg_broken", text)

    with pytest.raises(SkillError, match=words):
        load_skills([name])


def test_a_missing_module_is_told_from_one_that_misses_something():
    with pytest.raises(SkillError, match=r"there is no module 'no_such\.module'"):
        load_skills(["no_such.module"])
