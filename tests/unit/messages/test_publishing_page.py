"""docs/publishing.md says what the code does: every code, field and key, and examples that are valid."""

import ast
import json
import re
from pathlib import Path

import pytest

from topology.limits import Limits
from warren.messages.codec import decode
from warren.messages.project import Project
from warren.messages.reply import Finished, Rejected, Reply

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
CODE = [
    *(ROOT / "director").glob("*.py"),
    *(ROOT / "worker").glob("*.py"),
    *(
        path
        for part in ("coordination", "messages", "patterns", "skills")
        for path in (ROOT / "warren" / part).glob("*.py")
    ),
]
NOT_FOR_PUBLISHERS = {
    "cluster_invalid",  # a process that does not start says these
    "skills_unusable",
    "wrong_queue",  # one of our own messages in the wrong place
}
RAISERS = {"InvalidInput", "_wrong", "ErrorInfo", "Cause", "failed", "_failed"}


def codes():
    """Every code in the code: the first word among an error's arguments, or its `code`."""
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
                named = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                words = [value for value in node.args if is_code(value)] if called in RAISERS else []
                yield from (value.value for value in [*words[:1], *filter(is_code, named)])


def is_code(value):
    return isinstance(value, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", str(value.value)) is not None


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_there_are_codes_to_be_found():
    assert {"id_conflict", "not_json", "unknown_playbook", "handler_error", "rate_limited"} <= {
        *codes(),
        "rate_limited",
    }


@pytest.mark.parametrize("code", sorted({*codes(), "rate_limited"} - NOT_FOR_PUBLISHERS))
def test_every_code_is_explained(code):
    assert f"`{code}`" in PAGE


@pytest.mark.parametrize("field", sorted(Project.model_fields))
def test_every_field_of_a_project_is_explained(field):
    assert f"`{field}`" in PAGE


def test_the_example_of_a_project_is_one():
    project = decode(Project, blocks("json")[0].encode())
    assert project.playbook == "welcome"


def test_the_examples_of_replies_are_such():
    texts = [text.replace("0192f0c4-…", "0192f0c4-7d1e-7a33-9b51-3f0f5a9f8c11") for text in blocks("json")]
    finished = decode(Reply, texts[1].partition("\n")[2].encode())
    assert isinstance(finished.answer, Finished)
    rejected = decode(Reply, next(text for text in texts if '"rejected"' in text).encode())
    assert isinstance(rejected.answer, Rejected)


def test_the_event_carries_a_project():
    event = json.loads(next(text for text in blocks("json") if "specversion" in text))
    assert decode(Project, json.dumps(event["data"]).encode()).reply_to == "reply.shop"


def test_the_defaults_of_limits_are_those_of_the_code():
    limits = Limits()
    assert f"{limits.message_bytes // 2**20} MiB (`message_bytes`)" in PAGE
    assert f"{limits.open_projects:,} (`open_projects`)" in PAGE
    assert f"{limits.deadline_s / 3600:g} hours (`deadline_s`)" in PAGE
    assert f"{limits.plan_depth} levels (`plan_depth`), {limits.plan_nodes:,} nodes (`plan_nodes`)" in PAGE
    assert f"{limits.window:,} items of a map at once (`window`)" in PAGE


def test_every_file_that_the_page_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert target.startswith("https://") or (ROOT / "docs" / target).exists(), target
