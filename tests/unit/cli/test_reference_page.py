"""docs/cli.md says what the code does; `python -m warren.cli.reference FILE` writes it."""

from pathlib import Path

import pytest

from warren.cli.reference import render

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


@pytest.mark.golden
def test_the_reference_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == render()
