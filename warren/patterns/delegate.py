"""One assignment for a team."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from warren.messages.message import Token
from warren.patterns.expression import Template
from warren.patterns.node import Leaf, Node

if TYPE_CHECKING:
    from warren.patterns.plan import AnyNode


class Delegate(Leaf):
    """Hand a plan to a team's lead. Inside it, `input` is what is given here."""

    kind: Literal["delegate"] = "delegate"
    team: Token
    input: Template = Field(default="input")
    plan: AnyNode | None = None
    playbook: Token | None = Field(default=None, description="a named playbook instead of a plan")
    timeout_s: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way_to_say_what(self) -> Self:
        if (self.plan is None) == (self.playbook is None):
            raise ValueError("give either a plan or a playbook's name")
        return self

    def children(self) -> Iterator[tuple[str, Node]]:
        if self.plan is not None:
            yield "plan", self.plan

    def with_children(self, change: Callable[[Node], Node]) -> Self:
        return self if self.plan is None else self.model_copy(update={"plan": change(self.plan)})
