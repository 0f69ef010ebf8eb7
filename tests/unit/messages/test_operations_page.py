"""docs/operations.md speaks of what there is: commands, limits, metrics."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from topology.client_limits import ClientLimits
from topology.limits import Limits
from warren.cli.app import app
from warren.telemetry.contract import METRICS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = PAGE.partition("## What each alert means")[2].partition("\n## ")[0]
RULES = yaml.safe_load((ROOT / "docs" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
METRIC_NAMES = {instrument.name for instrument in METRICS}
QUEUES = {"warren.unroutable", "warren.retry"}
NO_ALERT = {"warren.projects.accepted", "warren.attempt.duration", "warren.tasks.in_flight", "warren.spans.exported"}


def commands(group, path=()):
    """All commands, as they are typed."""
    for name, command in group.commands.items():
        yield " ".join((*path, name))
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))


def test_every_command_exists():
    known = set(commands(get_command(app)))
    written = set(re.findall(r"warren ((?:doctor|status|cancel|topology|users|ledger|dead)(?: [a-z]{4,})?)", PAGE))
    assert len(written) > 8
    assert {words for words in written if words not in known and words.split()[0] not in known} == set()
    for words in written:
        assert words in known or not hasattr(get_command(app).commands[words.split()[0]], "commands"), words


@pytest.mark.parametrize("field", sorted(Limits.model_fields))
def test_every_limit_is_explained(field):
    assert re.search(rf"`[^`]*\b{field}\b[^`]*`", PAGE)


@pytest.mark.parametrize("field", sorted(ClientLimits.model_fields))
def test_every_limit_of_a_client_is_explained(field):
    assert f"`client.{field}`" in PAGE


@pytest.mark.parametrize("metric", sorted(METRIC_NAMES - NO_ALERT))
def test_every_metric_that_can_be_alarming_is_explained_by_its_name_or_by_that_of_its_alert(metric):
    series = re.compile(rf"\b{metric.replace('.', '_')}(_[a-z]+)*\b")
    names = {rule["alert"] for rule in RULES if series.search(rule["expr"])} | {metric}
    assert any(f"`{name}`" in ALERTS for name in names)


def test_the_alerts_are_on_metrics_that_exist():
    named = set(re.findall(r"`(warren\.[a-z_.]+)", ALERTS))
    assert {name.rstrip(".") for name in named} - METRIC_NAMES - QUEUES == set()


def test_every_page_that_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
