"""docs/operations.md explains just the alerts that there are, and names metrics that exist."""

import re

import pytest
import yaml

from warren.telemetry import contract


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/operations.md").read_text()


def test_every_alert_is_explained_by_its_name_and_no_other_is(root, page):
    groups = yaml.safe_load((root / "docs/monitoring/alerts.yaml").read_text())["groups"]
    raised = [rule["alert"] for group in groups for rule in group["rules"]]
    explained = re.findall(r"^\| `(Warren[A-Za-z]+)` \|", page, re.MULTILINE)
    assert explained == raised


def test_every_metric_that_it_names_is_one_that_is_kept(page):
    known = {each.name for each in vars(contract).values() if hasattr(each, "name")}
    queues = r"warren\.(projects|unroutable|history|ingress|retry|dead|lead|work|replies|director)\b(?!\.[a-z_]+`)"
    named = {name for name in re.findall(r"`(warren\.[a-z_.]+)`", page) if not re.fullmatch(queues, name)}
    named = {name for name in named if not name.endswith(".")}
    assert named
    assert named <= known, named - known
