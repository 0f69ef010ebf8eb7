"""Functions as skills: what they take and give, and what cannot work."""

import dataclasses
import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from warren import Context, skill
from warren.errors import InvalidInput, SkillError
from warren.skills.skill import Mode, Skill, skill_of

CONTEXT = Context("p/0", skill="s")


class Page(BaseModel):
    model_config = ConfigDict(strict=True)
    url: str
    seen: date | None = None


class Words(TypedDict):
    words: int


@dataclasses.dataclass
class Count:
    lines: int
    note: str = ""


def made(handler: Any) -> Skill:
    found = skill_of(handler)
    assert found is not None
    return found


def test_a_skill_stays_the_function_that_it_was():
    @skill("double")
    def double(n: int) -> dict[str, int]:
        return {"n": 2 * n}

    assert double(4) == {"n": 8}
    assert made(double).name == "double"


def test_each_parameter_is_a_field_and_defaults_hold():
    @skill("pick")
    def pick(json: str, copy: list[int] = [1], *, model_name: int = 3) -> dict:  # noqa: B006
        return {"json": json, "copy": copy, "model_name": model_name}

    arguments = made(pick).signature.bind({"json": "x"}, CONTEXT)

    assert arguments == {"json": "x", "copy": [1], "model_name": 3}
    assert made(pick).signature.input_schema["required"] == ["json"]
    assert made(pick).signature.input_schema["additionalProperties"] is False


def test_one_model_parameter_is_the_whole_input():
    @skill("fetch")
    async def fetch(page: Page, context: Context) -> Page:
        return page

    arguments = made(fetch).signature.bind({"url": "u"}, CONTEXT)

    assert arguments == {"page": Page(url="u"), "context": CONTEXT}
    assert made(fetch).signature.input_schema["properties"].keys() == {"url", "seen"}


def test_a_strict_model_takes_what_json_can_say():
    @skill("fetch")
    def fetch(page: Page) -> dict:
        return {}

    arguments = made(fetch).signature.bind({"url": "u", "seen": "2026-11-01"}, CONTEXT)

    assert arguments["page"].seen == date(2026, 11, 1)


def test_a_skill_may_take_nothing():
    @skill("now")
    def now() -> dict:
        return {}

    assert made(now).signature.bind({}, CONTEXT) == {}


@pytest.mark.parametrize(
    ("given", "pointer", "word"),
    [({"n": "x"}, "/n", "integer"), ({}, "/n", "needed"), ({"n": 1, "m": 2}, "/m", "unknown")],
)
def test_an_input_that_does_not_fit_is_refused_with_its_place(given, pointer, word):
    @skill("double")
    def double(n: int) -> dict[str, int]:
        return {"n": 2 * n}

    with pytest.raises(InvalidInput) as caught:
        made(double).signature.bind(given, CONTEXT)

    assert (caught.value.code, caught.value.pointer) == ("input_invalid", pointer)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "value", "output"),
    [
        (dict, {"a": date(2026, 1, 2)}, {"a": "2026-01-02"}),
        (Words, {"words": 3}, {"words": 3}),
        (Count, Count(3), {"lines": 3, "note": ""}),
        (Page, Page(url="u"), {"url": "u", "seen": None}),
        (Page | Count, Count(1), {"lines": 1, "note": ""}),
    ],
)
def test_outputs_become_json_objects(annotation, value, output):
    def give():
        return value

    give.__annotations__ = {"return": annotation}
    skill("give")(give)

    assert made(give).signature.dump(give()) == output


@pytest.mark.parametrize(
    ("annotation", "value"), [(Count, {"lines": "many"}), (dict, {"a": object()}), (dict, None), (dict, {1: 2})]
)
def test_an_output_that_does_not_fit_is_refused(annotation, value):
    def give():
        return value

    give.__annotations__ = {"return": annotation}
    skill("give")(give)

    with pytest.raises(InvalidInput) as caught:
        made(give).signature.dump(value)

    assert caught.value.code == "output_invalid"


def test_the_kind_of_function_says_where_it_runs():
    @skill("a")
    async def on_loop() -> dict:
        return {}

    @skill("b")
    def in_thread() -> dict:
        return {}

    assert made(on_loop).mode is Mode.LOOP
    assert made(in_thread).mode is Mode.THREAD
    assert made(skill("c", cpu=True)(at_the_top)).mode is Mode.PROCESS


def at_the_top() -> dict:
    return {}


def no_annotation(x) -> dict: ...
def no_return(x: int): ...
def no_object() -> list[int]: ...
def nothing() -> None: ...
def anything() -> Any: ...
def starred(*names: str) -> dict: ...
def unknown(x: "Nowhere") -> dict: ...  # type: ignore[name-defined] # noqa: F821
def no_json(x: Skill, y: type[Any]) -> dict: ...
def twice(a: Context, b: Context) -> dict: ...
def yielding() -> dict:
    yield {}


async def at_once() -> dict: ...


@pytest.mark.parametrize(
    ("handler", "options", "words"),
    [
        (no_annotation, {}, "parameter 'x' has no annotation"),
        (no_return, {}, "return type is missing"),
        (no_object, {}, "an output is a JSON object"),
        (nothing, {}, "it returns nothing"),
        (anything, {}, "an output is a JSON object"),
        (starred, {}, r"\*names"),
        (unknown, {}, "Nowhere"),
        (no_json, {}, "cannot be described in JSON"),
        (twice, {}, "one is enough"),
        (yielding, {}, "it yields"),
        (at_once, {"cpu": True}, "cpu=True is for plain functions"),
        (at_the_top, {"team": "No Team"}, "team 'No Team' cannot stand in a routing key"),
        (at_the_top, {"timeout_s": 0}, "timeout_s is 0"),
        (at_the_top, {"permanent": (3,)}, "no exception class"),
    ],
)
def test_a_declaration_that_cannot_work_says_what_and_where(handler, options, words):
    with pytest.raises(SkillError, match=words) as caught:
        skill("s", **options)(handler)

    assert "test_skill.py:" in str(caught.value)


def test_a_nested_function_cannot_run_in_another_process():
    def nested() -> dict:
        return {}

    with pytest.raises(SkillError, match="at the top of a module"):
        skill("s", cpu=True)(nested)


def test_a_decorator_without_a_name_says_how_to_write_it():
    with pytest.raises(SkillError, match=r'write @skill\("a-name"\)'):
        skill(at_the_top)


def test_a_bad_name_says_what_a_name_is():
    with pytest.raises(SkillError, match="'Fetch Page' cannot stand in a routing key"):
        skill("Fetch Page")(at_the_top)


def test_importing_warren_or_a_skill_loads_no_broker_client():
    code = "import sys, warren; warren.skill; sys.exit('aio_pika' in sys.modules or 'sqlalchemy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_warren_has_no_other_attributes():
    import warren

    with pytest.raises(AttributeError, match="nonsense"):
        warren.nonsense  # noqa: B018
