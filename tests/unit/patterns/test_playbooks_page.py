"""docs/playbooks.md says what the code does: every key of every node, and examples that can be run."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from topology.limits import Limits
from warren.patterns.check import check_plan
from warren.patterns.map import Map
from warren.patterns.plan import NODES, parse_plan
from warren.patterns.playbook import Playbook, parse_playbook
from warren.patterns.reducers import Reducer

PAGE = (Path(__file__).parents[3] / "docs" / "playbooks.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
TEAMS = {"hosts": frozenset({"greet"})}
KEYS = [(kind, key) for kind, node in NODES.items() for key in node.model_fields if key != "kind"]


def section(kind):
    return PAGE.split(f"### {kind}: ", 1)[1].split("\n##", 1)[0]


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_every_key_of_every_node_is_explained(kind, key):
    assert f"\n| `{key}` | " in section(kind)


@pytest.mark.parametrize("kind", NODES)
def test_no_key_is_explained_that_a_node_does_not_have(kind):
    explained = set(re.findall(r"^\| `(\w+)` \|", section(kind), re.MULTILINE))
    assert explained <= {*NODES[kind].model_fields, *get_args(Reducer)}


def test_every_reducer_is_explained():
    assert all(f"\n| `{name}` | " in section("map") for name in get_args(Reducer))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.get("kind", "playbook"))
def test_every_example_is_a_plan_that_may_be_run(example):
    if "kind" not in example:
        example = dump_of(parse_playbook(example, "the page"))
    plan = parse_plan(example)
    check_plan(plan, TEAMS, Limits(), team="hosts")


def dump_of(playbook: Playbook):
    return playbook.plan.model_dump(exclude_none=True)


def test_what_is_said_of_a_map_s_window_is_so():
    assert Map.model_fields["window"].default == Limits().window == 1_000
