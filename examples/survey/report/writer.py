"""Putting a survey's reports into a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import BaseModel
from survey import Survey

from report.markdown import markdown_page
from report.page import html_page


class Written(BaseModel):
    """Where the reports are, as absolute paths."""

    html: str
    markdown: str


def write_reports(survey: Survey, folder: Path) -> Written:
    """Write `survey.html` and `survey.md`. Written again, they are replaced whole: a reader never sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    page = _replace(folder / "survey.html", html_page(survey))
    text = _replace(folder / "survey.md", markdown_page(survey))
    return Written(html=str(page), markdown=str(text))


def _replace(path: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as stream:
        stream.write(text)
    Path(stream.name).chmod(0o644)
    return Path(stream.name).replace(path).resolve()
