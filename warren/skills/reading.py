"""Reads a handler's declaration: what it takes, what it gives, and what about it cannot work."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter
from pydantic_core import SchemaError

from warren.errors import SkillError
from warren.messages.message import JsonObject
from warren.skills.context import Context
from warren.skills.signature import Shape, Signature

Handler = Callable[..., Any]
RETURNABLE = "a pydantic model, a dict, a TypedDict or a dataclass"
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def place_of(handler: Handler) -> str:
    """Where a handler is written, as people look for it."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    name = getattr(handler, "__qualname__", repr(handler))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def read_signature(handler: Handler, visible: Mapping[str, Any]) -> Signature:
    """The signature of a handler; `visible` are the names around it. Raises SkillError."""
    hints = _hints(handler, visible)
    parameters = {name: _usable(handler, parameter, hints) for name, parameter in _parameters(handler).items()}
    context = _context_parameter(handler, parameters, hints)
    fields = {name: parameter for name, parameter in parameters.items() if name != context}
    output = _output(handler, hints)
    if (whole := _whole_input(fields, hints)) is not None:
        return Signature(Shape.MODEL, _adapter(handler, whole, hints[whole]), output, whole, context)
    return Signature(Shape.FIELDS, _adapter(handler, "", _record(handler, fields, hints)), output, "", context)


def _hints(handler: Handler, visible: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return get_type_hints(handler, localns=dict(visible), include_extras=True)
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise SkillError(
            f"{place_of(handler)}: an annotation cannot be understood: {error}; define or import its type above the "
            "function, and not under TYPE_CHECKING"
        ) from None


def _parameters(handler: Handler) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(handler).parameters


def _usable(handler: Handler, parameter: inspect.Parameter, hints: Mapping[str, Any]) -> inspect.Parameter:
    if parameter.kind not in NAMED:
        raise SkillError(
            f"{place_of(handler)}: parameter {parameter} cannot be filled from a task's input; use named parameters"
        )
    if parameter.name not in hints:
        raise SkillError(
            f"{place_of(handler)}: parameter {parameter.name!r} has no annotation; give it a type, such as "
            f"`{parameter.name}: str`"
        )
    return parameter


def _context_parameter(handler: Handler, parameters: Mapping[str, Any], hints: Mapping[str, Any]) -> str:
    contexts = [name for name in parameters if hints[name] is Context]
    if len(contexts) > 1:
        raise SkillError(f"{place_of(handler)}: {' and '.join(contexts)} are all a Context; one is enough")
    return contexts[0] if contexts else ""


def _whole_input(fields: Mapping[str, Any], hints: Mapping[str, Any]) -> str | None:
    """The one parameter that is a model, and thereby the whole input."""
    if len(fields) != 1:
        return None
    (name,) = fields
    hint = hints[name]
    return name if isinstance(hint, type) and issubclass(hint, BaseModel) else None


def _record(handler: Handler, fields: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]) -> type:
    """A dataclass, and no model: a model's own attributes would be in the way of fields such as `json`."""
    described = [(name, hints[name], _default(parameter)) for name, parameter in fields.items()]
    name = getattr(handler, "__name__", "input")
    config = ConfigDict(extra="forbid", title=name, arbitrary_types_allowed=False)
    return dataclasses.make_dataclass(
        f"{name}_input", described, kw_only=True, namespace={"__pydantic_config__": config}
    )


def _default(parameter: inspect.Parameter) -> Any:
    default = parameter.default
    if default is inspect.Parameter.empty:
        return dataclasses.field()
    if getattr(default, "__hash__", None) is None:
        return dataclasses.field(default_factory=lambda: default)
    return dataclasses.field(default=default)


def _output(handler: Handler, hints: Mapping[str, Any]) -> TypeAdapter[Any]:
    if "return" not in hints:
        raise SkillError(f"{place_of(handler)}: the return type is missing; annotate {RETURNABLE}")
    hint = dict[str, Any] if hints["return"] is dict else hints["return"]
    adapter = _adapter(handler, "return", hint)
    schema = adapter.json_schema(mode="serialization")
    if not _is_object(schema, schema.get("$defs", {})):
        raise SkillError(
            f"{place_of(handler)}: it returns {_name(hint)}, but an output is a JSON object; return {RETURNABLE}"
        )
    return adapter


def _adapter(handler: Handler, name: str, hint: Any) -> TypeAdapter[Any]:
    try:
        adapter = _of_type(hint)
        adapter.json_schema(mode="serialization" if name == "return" else "validation")
    except (PydanticUserError, SchemaError, TypeError, ValueError) as error:
        what = {"": "its parameters", "return": "its return type"}.get(name, f"parameter {name!r}")
        raise SkillError(f"{place_of(handler)}: {what} cannot be described in JSON: {_first_line(error)}") from None
    return adapter


def _of_type(hint: Any) -> TypeAdapter[Any]:
    """NaN stays NaN, so that it can be refused, where the type does not bring its own configuration."""
    try:
        return TypeAdapter(hint, config=ConfigDict(ser_json_inf_nan="constants"))
    except PydanticUserError as error:
        if error.code != "type-adapter-config-unused":
            raise
        return TypeAdapter(hint)


def _is_object(schema: JsonObject, definitions: Mapping[str, JsonObject]) -> bool:
    if "$ref" in schema:
        return _is_object(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return all(_is_object(option, definitions) for option in options)
    return schema.get("type") == "object"


def _name(hint: Any) -> str:
    return "nothing" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
