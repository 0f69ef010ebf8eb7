"""The files in tests/golden/topology are what the renderings give.

Refresh them with `WARREN_REFRESH_GOLDEN=1 pytest tests/unit/topology/test_golden.py` and read the difference.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from topology import Cluster, Profile, Topology, build, cluster_schema, definitions_json, draw, mermaid

REFRESH = "WARREN_REFRESH_GOLDEN"

RENDERINGS: dict[str, Callable[[Topology], str]] = {
    "definitions.json": definitions_json,
    "mmd": mermaid,
    "txt": draw,
}


def check(file: Path, content: str) -> None:
    if os.environ.get(REFRESH):
        file.write_text(content, encoding="utf-8")
    current = file.read_text(encoding="utf-8") if file.exists() else ""
    assert content == current, f"{file} is stale: run this test with {REFRESH}=1 and read the difference"


@pytest.mark.parametrize("suffix", RENDERINGS)
def test_a_rendering_is_as_its_golden_file(golden: Path, profiled: Cluster, profile: Profile, suffix: str):
    check(golden / f"{profile}.{suffix}", RENDERINGS[suffix](build(profiled)))


def test_the_schema_of_the_cluster_file_is_as_its_golden_file(golden: Path):
    check(golden / "cluster.schema.json", json.dumps(cluster_schema(), indent=2) + "\n")


def test_the_schema_accepts_the_golden_cluster_and_refuses_an_unknown_key(golden: Path):
    document = yaml.safe_load((golden / "cluster.yaml").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(cluster_schema())
    assert not list(validator.iter_errors(document))
    document["teams"]["scouts"]["worker"] = 3
    assert list(validator.iter_errors(document))
    del document["teams"]["scouts"]["worker"]
    document["teams"]["Scouts"] = {}
    assert list(validator.iter_errors(document))
