"""The JSON Schemas of all messages, as files: `python -m warren.messages.schemas DIRECTORY` writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from warren.messages.codec import MESSAGES
from warren.messages.message import Message


def schema_text(model: type[Message]) -> str:
    """The JSON Schema (2020-12) of one message, as text that is stable enough for version control."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{model.TYPE.replace('.', ':')}",
        **model.model_json_schema(),
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def render() -> dict[str, str]:
    """File name to text."""
    return {f"{model.TYPE}.json": schema_text(model) for model in MESSAGES}


def write(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (directory / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
