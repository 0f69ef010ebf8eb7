"""The documents about messages are what the code makes of them.

Bring them up to date with `python -m warren.messages.schemas docs/schemas` and
`python -m warren.messages.asyncapi docs/asyncapi.yaml`, and read the difference.
"""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from topology import names
from warren.messages import asyncapi, schemas
from warren.messages.codec import decode

DOCS = Path(__file__).parents[3] / "docs"
MODELS = {model.__name__.lower(): model for model in asyncapi.CONTRACT}


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


@pytest.mark.golden
def test_the_asyncapi_document_is_current():
    assert (DOCS / "asyncapi.yaml").read_text(encoding="utf-8") == asyncapi.render()


@pytest.mark.golden
def test_the_json_schemas_are_current():
    found = {file.name: file.read_text(encoding="utf-8") for file in (DOCS / "schemas").glob("*.json")}
    assert found == schemas.render()


@pytest.mark.parametrize("kind", MODELS)
def test_every_example_is_a_message_and_fits_the_documents_own_schema(document, kind):
    schema = {**document["components"]["schemas"][MODELS[kind].__name__], "components": document["components"]}
    for example in document["components"]["messages"][kind]["examples"]:
        decode(MODELS[kind], json.dumps(example["payload"]).encode())
        jsonschema.Draft202012Validator(schema).validate(example["payload"])


def test_every_reference_leads_somewhere(document):
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_publishers_are_told_of_one_exchange_to_write_to_and_two_to_read(document):
    exchanges = {
        name: channel["bindings"]["amqp"]["exchange"]["name"] for name, channel in document["channels"].items()
    }
    assert exchanges == {
        "projects": names.INGRESS,
        "commands": names.INGRESS,
        "queries": names.INGRESS,
        "replies": names.REPLIES,
        **dict.fromkeys(("events", "assignmentEvents", "taskEvents", "agentEvents"), names.EVENTS),
    }


def references(value):
    match value:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for part in value.values():
                yield from references(part)
        case list():
            for part in value:
                yield from references(part)
