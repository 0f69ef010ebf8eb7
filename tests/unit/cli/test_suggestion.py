import json
import shlex
from pathlib import Path

from topology.limits import Limits
from warren.cli.running import FOLDER
from warren.cli.suggestion import suggestion
from warren.patterns.playbook import Playbooks, parse_playbook

PLAN = {"kind": "delegate", "team": "hosts", "plan": {"kind": "call", "skill": "greet"}}
NEEDY = {
    "type": "object",
    "required": ["guests", "kind", "size", "loud", "host", "done"],
    "properties": {
        "guests": {"type": "array", "items": {"type": "string"}},
        "kind": {"enum": ["small", "large"]},
        "size": {"type": "integer"},
        "loud": {"type": "boolean", "default": False},
        "host": {"type": "object", "required": ["name"], "properties": {"name": {"type": ["string", "null"]}}},
        "done": {"type": "array"},
    },
}


def known(**schemas):
    files = ({"name": name, "input": schema, "plan": PLAN} for name, schema in schemas.items())
    return Playbooks((parse_playbook(file, file["name"]) for file in files), {"hosts": frozenset({"greet"})}, Limits())


def test_a_playbook_that_needs_nothing_is_suggested_first():
    assert suggestion(known(a=NEEDY, b={}), FOLDER.absolute()) == "warren submit b --watch"


def test_else_what_its_input_needs_is_written_out_and_fits():
    playbooks = known(a=NEEDY)
    words = shlex.split(suggestion(playbooks, FOLDER.absolute()))
    given = json.loads(words[words.index("--input") + 1])
    assert sorted(given) == ["done", "guests", "host", "kind", "size"]
    playbooks["a"].validate_input(playbooks["a"].with_defaults(given))


def test_another_data_folder_is_named():
    assert suggestion(known(b={}), Path("/some where")).endswith("--data-dir '/some where'")


def test_without_a_playbook_its_place_is_held():
    assert suggestion(known(), FOLDER.absolute()) == "warren submit PLAYBOOK --watch"
