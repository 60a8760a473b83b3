"""What a JSON schema says of a value in which references stand: what fits, what can be made to, where a list goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rag.card import Schema, SourceCard
from rag.plan.refs import ArgValue, Ref, Template, references

__all__ = ["Shape", "argument_shape"]

# What stands for each type in JSON; pydantic reads numbers and truth values from texts as well.
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int, float, str),
    "number": (int, float, str),
    "boolean": (bool, int, float, str),
    "array": (list,),
    "object": (dict,),
    "null": (),
}
_WORDS: Final = {"array": "a list", "object": "an object", "string": "a text", "null": "nothing"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema, with the definitions that its `$ref`s point into.

    Example:
        >>> shape = Shape({"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "string"}}}})
        >>> shape.misfit({"ids": [Ref("s1", ("id",)), {}]})
        "at 'ids', item 2: should be a text"
        >>> shape.cast({"ids": [7]})
        {'ids': ['7']}
    """

    schema: Any
    definitions: Mapping[str, Any]

    def __init__(self, schema: Any, definitions: Mapping[str, Any] | None = None) -> None:
        object.__setattr__(self, "schema", schema)
        object.__setattr__(self, "definitions", definitions or {})

    def of(self, schema: Any) -> Shape:
        """The shape of a part."""
        return Shape(schema, self.definitions)

    def kinds(self) -> Iterator[Shape]:
        """The alternatives, `$ref`s followed; one of an empty schema takes anything."""
        pending, seen = [self.schema], set()
        while pending:
            schema = pending.pop()
            if not isinstance(schema, dict):
                yield self.of({})
            elif isinstance(name := schema.get("$ref"), str):
                if name not in seen:
                    seen.add(name)
                    pending.append(self.definitions.get(name.rsplit("/", 1)[-1], {}))
            elif isinstance(each := schema.get("anyOf") or schema.get("oneOf"), list):
                pending += reversed(each)
            elif isinstance(each := schema.get("allOf"), list):
                # Only pydantic's way of putting words beside a reference; more is not looked into.
                pending.append(each[0] if len(each) == 1 else {})
            else:
                yield self.of(schema)

    @property
    def types(self) -> frozenset[str]:
        """The JSON types of one kind; empty when it does not say."""
        said = self.schema.get("type", ())
        if said:
            return frozenset([said] if isinstance(said, str) else said)
        return frozenset({"object"} if "properties" in self.schema else {"array"} if "items" in self.schema else ())

    def may_be(self, kind: str) -> bool:
        """Whether one kind is of the type, or does not say of which."""
        return not self.types or kind in self.types

    def takes(self, kind: str) -> bool:
        """Whether one of the alternatives says that it is of the type."""
        return any(kind in shape.types for shape in self.kinds())

    @property
    def takes_anything(self) -> bool:
        """Whether one of the alternatives does not say of which type it is."""
        return any(not shape.types for shape in self.kinds())

    def lists(self, kind: str) -> bool:
        """Whether one of the alternatives is a list of values of the type, or of any."""
        return any(
            "array" in shape.types and (shape.item.takes_anything or shape.item.takes(kind)) for shape in self.kinds()
        )

    @property
    def fields(self) -> dict[str, Any] | None:
        """The fields that one kind tells of."""
        found = self.schema.get("properties")
        return found if isinstance(found, dict) else None

    def field(self, name: str) -> Shape | None:
        """The shape of a field of one kind; None when it has no such field."""
        if name in (self.fields or {}):
            return self.of((self.fields or {})[name])
        more = self.schema.get("additionalProperties", self.fields is None)
        return self.of(more if isinstance(more, dict) else {}) if more is not False else None

    @property
    def item(self) -> Shape:
        """The shape of the items of one kind."""
        return self.of(self.schema.get("items", {}))

    def misfit(self, value: ArgValue) -> str | None:
        """Why the value cannot fit, whatever its references come to; None when it may."""
        whys = [shape._kind_misfit(value) for shape in self.kinds()]
        return None if not whys or None in whys else whys[0]

    def _kind_misfit(self, value: ArgValue) -> str | None:
        if isinstance(value, Ref | Template) or (value is None and self.may_be("null")):
            return None
        if self.types and not any(isinstance(value, _TYPES.get(kind, (object,))) for kind in self.types):
            return None if "format" in self.schema else f"should be {_words(self.types)}"
        if isinstance(value, dict):
            return next(self._field_misfits(value), None)
        if isinstance(value, list):
            each = enumerate((self.item.misfit(item) for item in value), start=1)
            return next((f"item {n}: {why}" for n, why in each if why), None)
        return None

    def _field_misfits(self, value: Mapping[str, ArgValue]) -> Iterator[str]:
        for name, part in value.items():
            shape = self.field(name)
            if shape is None:
                yield f"takes no field {name!r}; it takes: {', '.join(self.fields or ()) or 'none'}"
            elif why := shape.misfit(part):
                yield f"at {name!r}, {why}" if not why.startswith("at ") else f"at {name!r}.{why[3:]}"
        for name in self.schema.get("required", ()):
            if name not in value:
                yield f"needs the field {name!r}"

    def cast(self, value: ArgValue) -> ArgValue:
        """The value with numbers as texts, and one value as a list, where the schema takes nothing else."""
        if isinstance(value, Ref | Template) or (isinstance(value, dict | list) and not value):
            return value
        for shape in self.kinds():
            if isinstance(value, dict) and "object" in shape.types:
                return {k: part.cast(v) if part else v for k, v, part in shape._given(value)}
            if isinstance(value, list) and "array" in shape.types:
                return [shape.item.cast(item) for item in value]
        plain = isinstance(value, str | int | float)
        if plain and not isinstance(value, str) and self.takes("string") and not self._takes_number():
            return str(value)
        if plain and self.takes("array") and not any(self.takes(kind) for kind in _TYPES if kind not in _ONLY_LISTS):
            return next([shape.item.cast(value)] for shape in self.kinds() if "array" in shape.types)
        return value

    def _given(self, value: Mapping[str, ArgValue]) -> Iterator[tuple[str, ArgValue, Shape | None]]:
        """The fields of a value with their shapes; null means absent where a field is not to be null."""
        for name, part in value.items():
            shape = self.field(name)
            if part is not None or shape is None or shape.takes_anything or shape.takes("null"):
                yield name, part, shape

    def _takes_number(self) -> bool:
        return any(self.takes(kind) for kind in ("integer", "number", "boolean"))

    def with_lists(self, value: ArgValue, put: Callable[[Ref], Any]) -> ArgValue:
        """The value with each `[*]` that stands where a list is taken replaced by what `put` gives for it."""
        if isinstance(value, Ref):
            return put(value) if value.many and self.takes("array") else value
        if not any(ref.many for ref in references(value)) or not isinstance(value, dict | list):
            return value
        for shape in self.kinds():
            if isinstance(value, dict) and shape.may_be("object"):
                return {k: part.with_lists(v, put) if (part := shape.field(k)) else v for k, v in value.items()}
            if isinstance(value, list) and shape.may_be("array"):
                return [shape.item.with_lists(item, put) for item in value]
        return value


_ONLY_LISTS: Final = frozenset({"array", "null"})


def _words(types: frozenset[str]) -> str:
    return " or ".join(_WORDS.get(kind, f"a{'n' if kind[0] in 'aeio' else ''} {kind}") for kind in sorted(types))


def argument_shape(card: SourceCard, name: str) -> Shape:
    """The shape of an argument of the source; one that takes anything when it has no such argument."""
    schema: Schema = card.properties.get(name, {})
    return Shape(schema, card.argument_schema.get("$defs", {}))
