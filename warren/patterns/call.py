"""One task of a skill."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from warren.messages.message import Token
from warren.patterns.expression import Template
from warren.patterns.node import Leaf


class Call(Leaf):
    """Call a skill of the team; its output is the node's output."""

    kind: Literal["call"] = "call"
    skill: Token
    input: Template = Field(default_factory=dict)
    timeout_s: float | None = Field(default=None, gt=0, description="from its start in the plan; default: no limit")
