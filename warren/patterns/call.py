"""One task of a skill."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from warren.messages.message import Token
from warren.patterns.expression import Expression, Scope, Template, compiled
from warren.patterns.moment import moment
from warren.patterns.node import Leaf

MAX_DELAY_S: Final = 10 * 366 * 86_400.0


class Call(Leaf):
    """Call a skill of the team; its output is the node's output."""

    kind: Literal["call"] = "call"
    skill: Token
    input: Template = Field(default_factory=dict)
    timeout_s: float | None = Field(
        default=None, gt=0, description="from its start in the plan, or from when it may begin; default: no limit"
    )
    delay_s: float | None = Field(
        default=None, ge=0, le=MAX_DELAY_S, description="how long after its start in the plan it may begin"
    )
    not_before: Expression | None = Field(
        default=None, description="gives the time before which it may not begin, in RFC 3339; null for at once"
    )

    @model_validator(mode="after")
    def _one_way_to_say_when(self) -> Self:
        if self.delay_s is not None and self.not_before is not None:
            raise ValueError("give either delay_s or not_before")
        return self

    def due_at(self, scope: Scope, now: float) -> float | None:
        """When it may begin (Unix seconds); None if at once. Raises InvalidInput."""
        if self.delay_s is not None:
            return now + self.delay_s
        value = None if self.not_before is None else compiled(self.not_before)(scope)
        return None if value is None else moment(value, "not_before")
