"""Every `warren …` that a document or a message advises is a command that exists, with options that it has."""

import re
from pathlib import Path

import pytest
import typer

from warren.cli.app import app

ROOT = Path(__file__).parents[3]
QUOTED = re.compile(r"`(warren [a-z][^`\n]*)`")
INDENTED = re.compile(r"^(?: {4}|)(warren [a-z].*)$", re.MULTILINE)
COMMENT = re.compile(r"\s+#.*|[<>|&].*")
STOPS = re.compile(r" ….*| \\$|…")
PLACEHOLDER = re.compile(r"\{[^}]*\}")


def quoted():
    """(where, command) for all that can be found in documents and in the program's own words."""
    documents = [ROOT / "README.md", ROOT / "k8s/README.md", *(ROOT / "docs").glob("*.md")]
    for file in documents:
        text = file.read_text()
        for found in (*QUOTED.findall(text), *INDENTED.findall(text)):
            yield f"{file.relative_to(ROOT)}", found
    for folder in ("warren", "director", "teamlead", "worker", "topology"):
        for file in (ROOT / folder).rglob("*.py"):
            for found in QUOTED.findall(file.read_text()):
                yield f"{file.relative_to(ROOT)}", PLACEHOLDER.sub("x", found)


def words_of(command):
    """Without comments, what a shell makes of it, and `a|b`, of which the first stands for all."""
    plain = re.sub(r"\b(\w+)(\|\w+)+", r"\1", command)
    return [word.strip("[]'\",.") for word in STOPS.sub("", COMMENT.sub("", plain)).split()[1:]]


def complaint(words):
    """What is wrong with a command line; nothing for one that only lacks something."""
    command, rest = typer.main.get_command(app), list(words)
    while hasattr(command, "commands"):
        if not rest or rest[0].startswith("-"):
            return None
        name = rest.pop(0)
        if name not in command.commands:
            return f"there is no {name!r}"
        command = command.commands[name]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help", "-h"}
    unknown = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    if unknown:
        return f"there is no {unknown[0]}"
    takes = [each for each in command.params if each.param_type_name == "argument"]
    given = [word for word in rest if not word.startswith("-")]
    if given and not takes and not any(word.startswith("-") for word in rest):
        return f"it takes no {given[0]!r}"
    return None


def test_there_is_something_to_check():
    assert len(list(quoted())) > 80


def test_an_option_or_an_argument_that_does_not_exist_is_noticed():
    assert complaint(["dead", "list", "hosts"]) == "it takes no 'hosts'"
    assert complaint(["dead", "list", "--teams", "hosts"]) == "there is no --teams"
    assert complaint(["deaf"]) == "there is no 'deaf'"
    assert complaint(["dead", "list", "--team", "hosts"]) is None


@pytest.mark.parametrize(("where", "command"), sorted(set(quoted())))
def test_what_is_advised_can_be_typed(where, command):
    assert complaint(words_of(command)) is None, f"{where}: {command}"
