"""docs/asyncapi.yaml is valid by the meta-schema that its makers publish as an npm package."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

DOCUMENT = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"


@pytest.fixture
def validator(asyncapi_specs):
    return jsonschema.Draft7Validator(json.loads((asyncapi_specs / "schemas" / "3.0.0.json").read_text()))


@pytest.fixture
def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


@pytest.mark.timeout(200)
def test_the_document_is_valid_asyncapi(validator, document):
    assert list(validator.iter_errors(document)) == []


@pytest.mark.timeout(200)
def test_the_meta_schema_would_see_a_mistake(validator, document):
    document["operations"]["query"]["action"] = "recieve"
    assert list(validator.iter_errors(document))
