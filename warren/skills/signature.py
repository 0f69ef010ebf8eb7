"""What goes into a skill and what comes out, checked against the handler's annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from warren.errors import InvalidInput
from warren.messages.codec import pointer
from warren.messages.message import JsonObject
from warren.skills.context import Context

MAX_REASONS = 5
IN_OTHER_WORDS = {"unexpected_keyword_argument": "unknown field", "missing": "this field is needed"}


class Shape(Enum):
    """How a task's input becomes the handler's arguments."""

    FIELDS = "each parameter is a field"
    MODEL = "one parameter is the whole input"
    JSON = "one parameter is the whole input, unchecked"


@dataclass(frozen=True, slots=True)
class Signature:
    """The typed edge of a handler. `parameter` takes the whole input, `context_parameter` the context."""

    shape: Shape
    input: TypeAdapter[Any]
    output: TypeAdapter[Any]
    parameter: str = ""
    context_parameter: str = ""

    @property
    def input_schema(self) -> JsonObject:
        return self.input.json_schema()

    @property
    def output_schema(self) -> JsonObject:
        return self.output.json_schema(mode="serialization")

    def bind(self, given: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """The handler's keyword arguments. Raises InvalidInput with code `input_invalid`."""
        arguments = self._arguments(given)
        if self.context_parameter:
            arguments[self.context_parameter] = context
        return arguments

    def dump(self, value: Any) -> JsonObject:
        """The task's output as a JSON object. Raises InvalidInput with code `output_invalid`."""
        try:
            dumped: JsonObject = self.output.dump_python(
                self.output.validate_python(value), mode="json", by_alias=True, warnings="error"
            )
        except ValidationError as error:
            raise _invalid("output", error) from None
        except PydanticSerializationError as error:
            raise InvalidInput("output_invalid", f"the handler's output is not JSON: {error}") from None
        return dumped

    def _arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.shape is Shape.JSON:
            return {self.parameter: given}
        validated = self._validated(given)
        return {self.parameter: validated} if self.shape is Shape.MODEL else dict(validated.__dict__)

    def _validated(self, given: Mapping[str, Any]) -> Any:
        """What a strict model refuses as Python values it may take as JSON, such as a date in a string."""
        try:
            return self.input.validate_python(given)
        except ValidationError:
            pass
        try:
            return self.input.validate_json(to_json(given))
        except ValidationError as error:
            raise _invalid("input", error) from None


def _invalid(what: str, error: ValidationError) -> InvalidInput:
    """A validation error in words, without the values: they may be large, or secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [
        f"{pointer(problem['loc']) or '/'}: {IN_OTHER_WORDS.get(problem['type'], problem['msg'])}"
        for problem in problems[:MAX_REASONS]
    ]
    if len(problems) > MAX_REASONS:
        reasons.append(f"and {len(problems) - MAX_REASONS} more")
    text = f"the {what} does not fit the skill: {'; '.join(reasons)}"
    return InvalidInput(f"{what}_invalid", text, pointer=pointer(problems[0]["loc"]))
