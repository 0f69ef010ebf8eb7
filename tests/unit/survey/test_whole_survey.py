"""The playbook with its skills, carried out without a cluster: what a cluster does is tested elsewhere."""

import json
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

from topology.cluster import load_cluster
from topology.playbook_files import playbook_files
from warren.messages.codec import to_json
from warren.messages.outcome import Succeeded
from warren.messages.written import output_of
from warren.patterns.call import Call
from warren.patterns.check import Limits
from warren.patterns.delegate import Delegate
from warren.patterns.expression import compiled
from warren.patterns.machine import Settled
from warren.patterns.playbook import Playbooks, load_playbook
from warren.skills.context import Context
from warren.skills.registry import load_skills

CLUSTER_FILE = Path(__file__).parents[3] / "examples" / "survey" / "cluster.yaml"

LIMIT = 8 * 1024 * 1024


@pytest.fixture
def playbook():
    cluster = load_cluster(CLUSTER_FILE)
    teams = {name: frozenset(team.skills) for name, team in cluster.teams.items()}
    files = playbook_files(cluster, CLUSTER_FILE)
    return Playbooks([load_playbook(file) for file in files], teams, Limits())["survey"]


@pytest.fixture
def skills():
    return {skill.name: skill for skill in load_skills(["survey_skills"])}


def carried_out(node, scope, skills):
    """What a cluster makes of a node, as one recursion; every input and output is JSON on its way."""
    scope = json.loads(json.dumps(scope))
    match node:
        case Call(skill=name):
            signature, given = skills[name].signature, compiled(node.input)(scope)
            return signature.dump(skills[name].handler(**signature.bind(given, Context("task"))))
        case Delegate():
            return carried_out(node.plan, {"input": compiled(node.input)(scope)}, skills)
    outputs = {}
    read = SimpleNamespace(
        of=outputs.__getitem__,
        all=lambda _messages=None: iter(outputs.items()),
        texts=lambda _messages: ((key, to_json(output)) for key, output in outputs.items()),
        limit_bytes=LIMIT,
    )
    machine = node.machine(scope, read)
    step = machine.begin()
    while step.outcome is None:
        settled = []
        for key in step.start:
            outputs[key] = carried_out(machine.child(key), machine.scope(key), skills)
            settled.append(Settled(key, Succeeded(output=outputs[key])))
        step = machine.advance(step.state, settled)
    return output_of(step.outcome)


def test_the_cluster_file_names_exactly_the_skills_that_are_written(skills):
    cluster = load_cluster(CLUSTER_FILE)
    declared = {(team, name) for team, settings in cluster.teams.items() for name in settings.skills}
    assert declared == {(skill.team, skill.name) for skill in skills.values()}


def test_the_playbook_carried_out_over_a_known_tree_gives_its_known_figures(playbook, skills, tree, tmp_path):
    given = playbook.with_defaults({"path": str(tree), "report_dir": str(tmp_path / "out")})
    playbook.validate_input(given)
    result = carried_out(playbook.plan, {"input": given}, skills)
    page, text = Path(result.pop("html")), Path(result.pop("markdown"))
    assert result == {
        "root": str(tree),
        "files": 10,
        "packages": 3,
        "lines": 47,
        "code_lines": 36,
        "functions": 4,
        "classes": 1,
        "functions_above_limit": 1,
        "import_cycles": 1,
        "todos": 2,
        "findings": {"binary": 1, "empty": 1, "encoding": 1, "symlink": 1, "syntax": 1},
        "hottest": [
            "tools/report.py:3 hard (15)",
            "shop/cart.py:12 Cart.total (5)",
            "shop/stock.py:4 left (2)",
            "shop/prices.py:3 price_of (2)",
        ],
    }
    assert "shop.cart" in page.read_text(encoding="utf-8")
    assert "1. 3 modules: `shop.cart` → `shop.prices` → `shop.cart`" in text.read_text(encoding="utf-8")


def test_the_playbook_over_a_part_of_the_standard_library_finds_no_fault_in_it(playbook, skills, tmp_path):
    library = Path(sysconfig.get_path("stdlib"), "asyncio")
    given = {"path": str(library), "report_dir": str(tmp_path)}
    result = carried_out(playbook.plan, {"input": given}, skills)
    assert result["files"] == len(list(library.glob("*.py")))
    assert result["functions"] > 500
    assert result["findings"] == {}


def test_a_second_survey_gives_the_same_result(playbook, skills, tree, tmp_path):
    given = {"path": str(tree), "report_dir": str(tmp_path)}
    assert carried_out(playbook.plan, {"input": given}, skills) == carried_out(playbook.plan, {"input": given}, skills)


@pytest.mark.parametrize("given", [{"path": 1}, {"paht": "/"}, {"report_dir": ""}])
def test_an_input_that_makes_no_sense_is_refused(playbook, given):
    with pytest.raises(ValueError, match="input of 'survey' is not valid"):
        playbook.validate_input(given)
