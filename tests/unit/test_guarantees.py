"""Every line of docs/guarantees.md names a test that there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    line
    for line in (ROOT / "docs" / "guarantees.md").read_text().splitlines()
    if line.startswith("| ") and "shown by" not in line
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:40])
def test_a_promise_names_tests_that_exist(row):
    named = re.findall(r"`(tests/[\w/]+\.py)`", row)
    assert named
    for path in named:
        assert re.search(r"^(async )?def test_", (ROOT / path).read_text(), re.MULTILINE), path
