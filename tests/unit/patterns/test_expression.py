"""Data moves by expressions; whatever is wrong with one ends the node that has it, never the process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warren.errors import InvalidInput
from warren.messages.codec import to_json
from warren.patterns.expression import compiled, expressions_in, parse, references

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PIECES = ["a", "b", ".", "[", "]", "*", "0", ":", "&", "@", "|", "(", ")", "length", "max_by", "sort_by", "map", ",",
          "`1`", "'x'", "==", "<", "?", "not_null", "to_array", "!", "{", "}", "-1"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("input.a.b", 1),
        ("input.a", {"b": 1}),
        ("input.none.b", None),
        ("input.list[0]", 5),
        ("length(input.list)", 2),
        ("'plain'", "plain"),
        ('`{"k": [1]}`', {"k": [1]}),
        ("map(&@, input.list)", [5, 6]),
        ("{x: input.a.b}", {"x": 1}),
    ],
)
def test_an_expression_takes_what_it_names(text, value):
    assert compiled(text)({"input": {"a": {"b": 1}, "list": [5, 6]}}) == value


def test_in_a_template_every_string_is_an_expression_and_the_rest_stands_for_itself():
    template = {"a": "input", "b": [1, None, {"c": "item"}], "d": True}
    assert compiled(template)({"input": 1, "item": 2}) == {"a": 1, "b": [1, None, {"c": 2}], "d": True}
    assert sorted(expressions_in(template)) == ["input", "item"]


@pytest.mark.parametrize("text", ["a..b", "", "a[", "foo(", "'open", "a ||", '"\\x"'])
def test_what_is_no_expression_is_refused_with_the_text(text):
    with pytest.raises(ValueError, match="not a JMESPath expression"):
        parse(text)


def test_an_expression_that_is_nested_too_deeply_is_refused():
    with pytest.raises(ValueError, match="too deeply"):
        parse("!" * 3_900 + "a")


@pytest.mark.parametrize(
    "text",
    ["input[::0]", "max_by(input, &a)", "min_by(input, &a)", "&a", "not_null(&a)", "{x: &a}", "[to_array(&a)]",
     "unknown(@)", "join(',', input)", "length()"],
)  # fmt: skip
def test_an_expression_that_fails_on_the_data_says_so(text):
    with pytest.raises(InvalidInput) as caught:
        compiled(text)({"input": [{"a": 1}, {"a": "x"}]})
    assert caught.value.code == "expression_failed"
    assert text in caught.value.message


@pytest.mark.parametrize("text", ["sum([`1e308`, `1e308`])", "to_number('nan')", "[{size: to_number(input.digits)}]"])
def test_a_number_that_json_has_not_fails_instead_of_becoming_null(text):
    with pytest.raises(InvalidInput, match="is not a JSON number") as caught:
        compiled(text)({"input": {"digits": "9" * 5_000}})
    assert caught.value.code == "expression_failed"


@pytest.mark.parametrize("text", ["!" * 101 + "a", "a" + "[]" * 101, "a" + " | a" * 101])
def test_an_expression_of_more_than_a_hundred_levels_is_refused(text):
    with pytest.raises(ValueError, match="too deeply"):
        parse(text)


def test_an_expression_of_many_characters_is_refused_before_it_is_parsed():
    with pytest.raises(ValueError, match="4,000"):
        parse("a" * 5_000_000)


def test_the_words_about_a_long_expression_are_short():
    text = "join(',', input) || '" + "long" * 900 + "'"
    with pytest.raises(InvalidInput) as caught:
        compiled(text)({"input": [1]})
    assert len(caught.value.message) < 1_000


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=10).map("".join), JSON)
def test_an_expression_gives_json_or_invalid_input(text, data):
    try:
        parse(text)
    except ValueError:
        return
    references(text)
    try:
        value = compiled(text)({"a": data, "b": data})
    except InvalidInput:
        return
    to_json(value)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("input.a.b.c", {("input", "a")}),
        ("results.a[0].b", {("results", "a")}),
        ("results.a[?n > `1`].n | [0]", {("results", "a")}),
        ("[input.a, results.b.c]", {("input", "a"), ("results", "b")}),
        ("{x: item, y: index}", {("item",), ("index",)}),
        ("map(&foo, results.a)", {("results", "a")}),
        ("input.{a: b}", {("input", "b")}),
        ("results.a[*].b[]", {("results", "a")}),
        ("results.sort_by(@, &n)", {("results",)}),
        ("results.a == 'x' && !item", {("results", "a"), ("item",)}),
        ("results.*", {("results",)}),
        ("@", set()),
        ("`1`", set()),
        ("[0]", set()),
        ("results.a[1:2]", {("results", "a")}),
    ],
)
def test_references_are_what_is_taken_from_the_scope(text, paths):
    assert references(text) == paths
