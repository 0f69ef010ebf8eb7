"""Command lines with places for a task's input."""

import pytest

from warren.errors import InvalidInput, SkillError
from warren.skills.template import Template


def test_a_value_stays_inside_its_one_argument():
    template = Template.read(["grep", "--", "{what}", "dir/{where}.txt"], "here")

    assert template.filled({"what": "a b; rm -rf $HOME\n'", "where": "x"}) == [
        "grep",
        "--",
        "a b; rm -rf $HOME\n'",
        "dir/x.txt",
    ]


def test_other_values_are_written_as_json_and_doubled_braces_stay():
    template = Template.read(["p", "{n}", "{flag}", "{items}", "{{n}}"], "here")

    assert template.filled({"n": 3, "flag": True, "items": [1, "é"]}) == ["p", "3", "true", '[1,"é"]', "{n}"]


@pytest.mark.parametrize("argument", ["{", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{}", "{0}"])
def test_anything_but_a_field_between_braces_is_refused(argument):
    with pytest.raises(SkillError, match=r"here: argv\[1\]"):
        Template.read(["p", argument], "here")


def test_no_task_may_choose_the_program():
    with pytest.raises(SkillError, match="names the program"):
        Template.read(["{program}"], "here")


@pytest.mark.parametrize("given", [{}, {"a": "nul\0"}])
def test_an_input_that_cannot_be_an_argument_is_refused(given):
    with pytest.raises(InvalidInput) as caught:
        Template.read(["p", "{a}"], "here").filled(given)

    assert (caught.value.code, caught.value.pointer) == ("input_invalid", "/a")
