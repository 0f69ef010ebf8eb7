"""The contract's page, the dashboard and the alerts speak of what is measured, and of nothing else."""

import json
import re
from pathlib import Path

import pytest
import yaml

from warren.telemetry import contract, dashboard, reference
from warren.telemetry.prometheus import prometheus_name, series

DOCS = Path(__file__).parents[3] / "docs"
METRIC = re.compile(r"\bwarren_[a-z_]+")
KNOWN = {name: one for one in contract.METRICS for name in series(one)}
LABELS = {label.replace(".", "_") for one in contract.METRICS for label in one.labels}
FROM_SCRAPING = {"job", "instance"}


def alerts():
    return yaml.safe_load((DOCS / "monitoring" / "alerts.yaml").read_text())["groups"][0]["rules"]


def expressions():
    for rule in alerts():
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in dashboard.PANELS:
        for query, _ in panel.queries:
            yield pytest.param(query, id=panel.title)


@pytest.mark.golden
def test_the_page_of_the_contract_is_what_the_contract_makes_of_it():
    assert (DOCS / "telemetry.md").read_text() == reference.page()


@pytest.mark.golden
def test_the_dashboard_is_what_the_code_makes_of_it():
    assert (DOCS / "monitoring" / "grafana.json").read_text() == dashboard.text()


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_query_asks_for_series_that_exist_by_labels_that_they_have(expression):
    words = set(METRIC.findall(expression))
    asked = words & KNOWN.keys()
    assert asked
    assert words - asked <= LABELS
    labels = {label.replace(".", "_") for name in asked for label in KNOWN[name].labels}
    for grouping in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(re.split(r",\s*", grouping)) <= labels | FROM_SCRAPING | {"le"}


def test_every_metric_is_on_the_dashboard_or_in_an_alert():
    text = dashboard.text() + json.dumps(alerts())
    missing = {one.name for one in contract.METRICS if prometheus_name(one) not in text}
    assert missing == {contract.PROJECTS_ACCEPTED.name}


def test_each_alert_says_what_is_wrong_and_what_to_do():
    for rule in alerts():
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    panels = dashboard.dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= dashboard.WIDTH for panel in panels)
