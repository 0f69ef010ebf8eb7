"""Names that are not ours are those of OpenTelemetry's semantic conventions, in the version that is said."""

import importlib
import pkgutil

import pytest
from opentelemetry.semconv import attributes
from opentelemetry.semconv._incubating import attributes as in_development
from opentelemetry.semconv.schemas import Schemas

from warren.telemetry import contract

EVENTS = {"exception"}


def known_names():
    """All attributes that the conventions have, by the package that OpenTelemetry's own instrumentation uses."""
    names = set()
    for package in (attributes, in_development):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            found = vars(importlib.import_module(module.name))
            names |= {value for name, value in found.items() if name.isupper() and isinstance(value, str)}
    return names


ATTRIBUTES = {one.name for shape in contract.SPANS for one in shape.attributes} | {
    one.name for shape in contract.SPANS for event in shape.events for one in event.attributes
}
THEIRS = sorted(name for name in ATTRIBUTES if not name.startswith("warren."))


@pytest.mark.parametrize("name", THEIRS)
def test_an_attribute_is_one_of_theirs_or_begins_with_our_name(name):
    assert name in known_names()


def test_events_are_theirs_or_begin_with_our_name():
    names = {event.name for shape in contract.SPANS for event in shape.events}
    assert {name for name in names if not name.startswith("warren.")} <= EVENTS


def test_the_schema_is_one_that_is_published():
    assert contract.SCHEMA in {schema.value for schema in Schemas}


def test_names_of_metrics_begin_with_our_name():
    assert all(one.name.startswith("warren.") for one in contract.METRICS)


def test_no_name_of_a_span_has_room_for_an_id():
    holes = {word for shape in contract.SPANS for word in shape.name.split() if word.startswith("{")}
    assert holes == {"{playbook}", "{team}", "{pattern}", "{skill}", "{queue}"}
