import io

import pytest

from warren.cli.given import given_input
from warren.errors import InvalidInput


def test_nothing_given_is_an_empty_input():
    assert given_input(None, ()) == {}


def test_json_on_the_command_line_is_the_input():
    assert given_input('{"path": "src"}', ()) == {"path": "src"}


def test_an_input_can_come_from_a_file(tmp_path):
    (tmp_path / "input.json").write_text('{"path": "ä"}', encoding="utf-8")
    assert given_input(f"@{tmp_path / 'input.json'}", ()) == {"path": "ä"}


def test_an_input_can_come_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"path": "src"}'))
    assert given_input("-", ()) == {"path": "src"}


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        (["a=1"], {"a": 1}),
        (["a=true", "b=null"], {"a": True, "b": None}),
        (["a=text"], {"a": "text"}),
        (["a=x=y"], {"a": "x=y"}),
        (["a="], {"a": ""}),
        (["a.b.c=[1]", "a.d=2"], {"a": {"b": {"c": [1]}, "d": 2}}),
    ],
)
def test_single_keys_are_json_where_they_can_be(settings, data):
    assert given_input(None, settings) == data


def test_single_keys_come_on_top_of_the_input():
    assert given_input('{"a": {"b": 1, "c": 2}}', ["a.b=3"]) == {"a": {"b": 3, "c": 2}}


@pytest.mark.parametrize(
    ("text", "settings", "reason"),
    [
        ("{", (), "--input is not JSON"),
        ("[1]", (), "an input is a JSON object"),
        ("@nowhere.json", (), r"nowhere\.json cannot be read: No such file"),
        (None, ["a"], "--set a: write key=value"),
        (None, ["=1"], "write key=value"),
        ('{"a": 1}', ["a.b=2"], "a is not an object"),
    ],
)
def test_what_cannot_be_an_input_is_explained(text, settings, reason):
    with pytest.raises(InvalidInput, match=reason) as caught:
        given_input(text, settings)
    assert caught.value.code == "input_invalid"


def test_a_file_that_is_not_utf_8_is_explained(tmp_path):
    (tmp_path / "input.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        given_input(f"@{tmp_path / 'input.json'}", ())
