"""The golden samples: schema and model take and refuse the same, for other systems have nothing but the schema."""

import json
from pathlib import Path

import jsonschema
import pytest

from warren.errors import InvalidInput
from warren.messages.codec import MESSAGES, decode, encode

ROOT = Path(__file__).parents[3]
SAMPLES = {
    model.TYPE: json.loads((ROOT / f"tests/golden/messages/{model.TYPE}.json").read_text(encoding="utf-8"))
    for model in MESSAGES
}
CASES = [
    pytest.param(model, sample, id=f"{model.TYPE} {number}")
    for model in MESSAGES
    for number, sample in enumerate(SAMPLES[model.TYPE]["valid"])
]
COUNTER_CASES = [
    pytest.param(model, sample, id=f"{model.TYPE} {number}")
    for model in MESSAGES
    for number, sample in enumerate(SAMPLES[model.TYPE]["invalid"])
]


def validator(model):
    schema = json.loads((ROOT / f"docs/schemas/{model.TYPE}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.TYPE)
def test_every_schema_is_a_json_schema_of_2020_12(model):
    schema = validator(model).schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "urn:" + model.TYPE.replace(".", ":")
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("model", "sample"), CASES)
def test_a_good_sample_is_taken_by_schema_and_model(model, sample):
    validator(model).validate(sample)
    decode(model, json.dumps(sample).encode())


@pytest.mark.parametrize(("model", "sample"), CASES)
def test_what_is_written_again_is_still_the_same(model, sample):
    message = decode(model, json.dumps(sample).encode())
    body = encode(message)
    assert decode(model, body) == message
    validator(model).validate(json.loads(body))


@pytest.mark.parametrize(("model", "sample"), COUNTER_CASES)
def test_a_bad_sample_is_refused_by_schema_and_model(model, sample):
    with pytest.raises(InvalidInput) as caught:
        decode(model, json.dumps(sample).encode())
    assert caught.value.code == "message_invalid"
    assert not validator(model).is_valid(sample)
