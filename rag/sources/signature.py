"""From a function's signature to an argument model and an output schema."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
import typing
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from rag.card import Schema
from rag.errors import ConfigError
from rag.sources.rows import SCALARS
from rag.types import Scope

__all__ = ["Signature", "output_schema", "read_signature", "scope_parameter"]

_SECTION: Final = re.compile(r"^(?:Args|Arguments|Parameters):\n((?:[ \t].*(?:\n|\Z)|\n)+)", re.MULTILINE)
_ENTRY: Final = re.compile(r"^ {4}(\w+)(?: \([^)\n]*\))?: (.+(?:\n {5,}.+)*)", re.MULTILINE)
_TEXT: Final[Schema] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and returns. `scope` is the parameter that the scope is injected as."""

    arguments: type[BaseModel]
    scope: str | None
    output: Schema | None
    about: str


def read_signature(function: Callable[..., Any], name: str = "value") -> Signature:
    """The signature, with every parameter but the scope's as an argument; `name` is a returned scalar's field.

    Raises:
        ConfigError: a parameter has no type hint, or cannot be given by name.
    """
    if isinstance(function, type) or not callable(function):
        raise ConfigError(f"{function!r} is no function; give a function, a method or a callable object")
    target = _written(function)
    hints = _hints(target)
    fixed = function.keywords.keys() if isinstance(function, functools.partial) else ()
    told = _told(target)
    fields: dict[str, Any] = {}
    scope = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in fixed:
            continue
        _check(parameter, hints, target)
        if _is_scope(hints[parameter.name]):
            scope = parameter.name
            continue
        # Parameters may have names that pydantic keeps for itself: fields are numbered, their aliases are free.
        fields[f"a{len(fields)}"] = _field(parameter, hints[parameter.name], told.get(parameter.name))
    about = (inspect.getdoc(target) or "").partition("\n\n")[0].replace("\n", " ")
    return Signature(_model(fields, target), scope, output_schema(hints.get("return"), name), about)


def scope_parameter(function: Callable[..., Any]) -> str | None:
    """The parameter that is annotated `rag.Scope`, if there is one."""
    hints = _hints(_written(function))
    return next((name for name, hint in hints.items() if name != "return" and _is_scope(hint)), None)


def output_schema(hint: Any, name: str = "value") -> Schema | None:
    """The JSON schema of one row, where a return annotation tells it.

    It is told by models, dataclasses, TypedDicts, text, and scalars, which are a row's field of that name.

    Example:
        >>> output_schema(list[str])["properties"], output_schema(int, "stock")["properties"]
        ({'text': {'type': 'string'}}, {'stock': {'type': 'integer'}})
    """
    item = _item(hint)
    if item is str:
        return dict(_TEXT)
    if not isinstance(item, type):
        return None
    try:
        if typing.is_typeddict(item):
            # Not through TypeAdapter, which refuses typing's own TypedDict before Python 3.12.
            fields: dict[str, Any] = {name: (kind, ...) for name, kind in get_type_hints(item).items()}
            item = create_model(item.__name__, **fields)
        if issubclass(item, BaseModel) or dataclasses.is_dataclass(item):
            schema: Schema = TypeAdapter(item).json_schema(mode="serialization")
            return schema
        if issubclass(item, SCALARS):
            value = TypeAdapter(item).json_schema(mode="serialization")
            return {"type": "object", "properties": {name: value}, "required": [name]}
    except (PydanticUserError, NameError):
        return None
    return None


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function that carries the annotations: below partials, and of a callable object its `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    plain = inspect.isroutine(function) or hasattr(function, "__wrapped__")
    return function if plain else type(function).__call__


def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    written = inspect.unwrap(target)
    # `Scope` is often imported for type checkers alone, so that the function's module does not know it.
    names = {"rag": sys.modules.get("rag"), "Scope": Scope, **getattr(written, "__globals__", {})}
    try:
        return get_type_hints(target, globalns=names, include_extras=True)
    except (NameError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the type hints of {_called(target)} cannot be resolved: {error}; import the types outside TYPE_CHECKING"
        ) from error


def _check(parameter: inspect.Parameter, hints: dict[str, Any], target: Callable[..., Any]) -> None:
    place = f"parameter {str(parameter).partition(':')[0]!r} of {_called(target)}"
    if parameter.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
        raise ConfigError(f"{place} cannot be given by name; wrap the function in one with plain, named parameters")
    if parameter.name not in hints:
        raise ConfigError(f"{place} has no type hint, which planners need; write, say, {parameter.name}: str")


def _is_scope(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint is Scope or set(get_args(hint)) == {Scope, NoneType}


def _field(parameter: inspect.Parameter, hint: Any, description: str | None) -> tuple[Any, Any]:
    if get_origin(hint) is Annotated and any(isinstance(a, FieldInfo) and a.description for a in get_args(hint)[1:]):
        description = None  # the annotation's own goes before the docstring's
    options: dict[str, Any] = {"alias": parameter.name}
    if description:
        options["description"] = description
    if parameter.default is not inspect.Parameter.empty:
        # A factory, since a default need not have a JSON form for the schema to show.
        options["default_factory"] = lambda: parameter.default
    return (hint, Field(**options))


def _model(fields: dict[str, Any], target: Callable[..., Any]) -> type[BaseModel]:
    try:
        model: type[BaseModel] = create_model("Arguments", __config__=ConfigDict(extra="forbid"), **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        raise ConfigError(
            f"{_called(target)} takes what has no JSON form: {error.message.splitlines()[0]};"
            " take text, numbers, dates, lists or pydantic models"
        ) from error
    return model


def _told(target: Callable[..., Any]) -> dict[str, str]:
    """What the docstring's Args section says of each parameter."""
    section = _SECTION.search(inspect.getdoc(target) or "")
    return {name: re.sub(r"\s+", " ", text) for name, text in _ENTRY.findall(section[1])} if section else {}


def _item(hint: Any) -> Any:
    """The type of one row: of a list its items', of an optional row the row's."""
    while (origin := get_origin(hint)) is not None:
        inner = [argument for argument in get_args(hint) if argument not in (NoneType, Ellipsis)]
        if origin is Annotated or (isinstance(origin, type) and issubclass(origin, Iterable | AsyncIterable)):
            if isinstance(origin, type) and issubclass(origin, Mapping):
                return None
            hint = inner[0] if inner else None
        elif len(inner) == 1:
            hint = inner[0]
        else:
            return None
    return hint


def _called(target: Callable[..., Any]) -> str:
    return f"{getattr(target, '__qualname__', repr(target))}()"
