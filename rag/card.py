"""The card of a source: what a planner is told of it, and what the runtime holds it to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

__all__ = ["NoArguments", "Schema", "ScopeField", "SourceCard", "free_query"]

Schema = dict[str, Any]
"""A JSON schema, as `BaseModel.model_json_schema` writes it."""

ScopeField = Literal["tenant", "user", "as_of", "labels"]


class NoArguments(BaseModel):
    """The argument model of a source that takes none."""

    model_config = ConfigDict(extra="forbid")


class SourceCard(BaseModel):
    """What a source says of itself.

    `name` may be any printable text and is unique within an assistant. `arguments` is the pydantic
    model that a step's arguments must fit. `output` is a JSON schema of one row, or None when the
    source does not say: then references into it are checked at run time alone. `enforces` lists the
    scope's fields that the source keeps to; `shared` says that its data is for everyone. `identity`, which
    nobody is shown, tells a source from another of the same name over other data, in whatever process.

    A property of the argument schema may carry `role`, which tells planners that use no model what
    it is for: "query" (free text to search for), "newest" (how many of the most recent rows),
    "from" and "to" (inclusive bounds of a date), "said" (when or by whom something was said: the mark of
    a memory, which is asked of conversations alone). It may carry `pattern`, the shape of an identifier,
    and `values`, some of those that the data holds, which planners find in a question; models are
    not shown them. `sampled` says that its `enum` is what the data was seen to hold. A property of
    `output` may carry the role "title": the field that names the thing a row is about.

    Example:
        >>> from pydantic import BaseModel
        >>> class Lookup(BaseModel):
        ...     query: str
        >>> card = SourceCard(name="reviews", about="what buyers say", arguments=Lookup)
        >>> card.signature
        'reviews(query: string)'
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, ignored_types=(cached_property,))

    name: str = Field(min_length=1)
    about: str = ""
    arguments: type[BaseModel] = NoArguments
    output: Schema | None = None
    enforces: frozenset[ScopeField] = frozenset()
    shared: bool = False
    idempotent: bool = True
    cacheable: bool = False
    ttl: float | None = Field(default=None, gt=0, description="seconds that a result may be kept")
    identity: str = Field(
        default="", description="which data is behind it; what is kept of one is not given for another"
    )
    cost: dict[Literal["seconds", "usd", "tokens"], Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="declared seconds, usd, and tokens of what it brings, of one call"
    )
    concurrency: int = Field(default=100, ge=1, description="calls that may run at once, of all questions together")
    timeout: float = Field(default=30.0, gt=0, description="seconds that one call may take")

    @cached_property
    def argument_schema(self) -> Schema:
        """The JSON schema of the arguments, with `$defs` where the model has nested types."""
        return self.arguments.model_json_schema()

    def __hash__(self) -> int:
        # Schemas cannot be hashed. What is worked out of a card is kept by it, for all questions: cards that
        # differ in their argument model alone, as those of a source that is made anew, must not meet there.
        return hash((self.fingerprint, self.arguments))

    @cached_property
    def properties(self) -> dict[str, Schema]:
        """The arguments' schemas by name, in the order of the model."""
        found: dict[str, Schema] = self.argument_schema.get("properties", {})
        return found

    def kinds(self, name: str) -> tuple[Schema, ...]:
        """The schemas that an argument may fit, `$ref`s followed; empty when there is no such argument."""
        if name not in self.properties:
            return ()
        schema = self.properties[name]
        definitions: dict[str, Schema] = self.argument_schema.get("$defs", {})
        kinds = schema.get("anyOf", [schema])
        return tuple(definitions.get(str(kind.get("$ref", "")).rsplit("/", 1)[-1], kind) for kind in kinds)

    @cached_property
    def required(self) -> frozenset[str]:
        """The names of the arguments that a step must give."""
        return frozenset(self.argument_schema.get("required", ()))

    @property
    def signature(self) -> str:
        """The call in one line, as planners' prompts list it."""
        return self.signature_of(self.properties)

    def signature_of(self, names: Iterable[str]) -> str:
        """The call in one line with these arguments alone, in the order given."""
        parts = []
        for name in names:
            mark = "" if name in self.required else "?"
            words = _type_words(self.properties[name], self.argument_schema.get("$defs", {}))
            parts.append(f"{name}{mark}: {words}")
        return f"{self.name}({', '.join(parts)})"

    @cached_property
    def query_argument(self) -> str | None:
        """The argument that takes free text, if there is one."""
        return self.argument_of_role("query")

    def argument_of_role(self, role: str) -> str | None:
        """The first argument with the role; a text argument called `query` has the role "query"."""
        for name, schema in self.properties.items():
            if schema.get("role") == role or (role == "query" == name):
                return name
        return None

    @property
    def fields(self) -> dict[str, Schema]:
        """The fields of a row by name, as far as the output tells of them."""
        output = self.output or {}
        if name := str(output.get("$ref", "")).rsplit("/", 1)[-1]:  # as of a model that refers to itself
            output = output.get("$defs", {}).get(name, {})
        found: dict[str, Schema] = output.get("properties", {})
        return found

    @property
    def title_field(self) -> str | None:
        """The field of a row that names the thing the row is about, if the output says so."""
        for name, schema in self.fields.items():
            if schema.get("role") == "title":
                return name
        return "title" if "title" in self.fields else None

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits that change when the name, the arguments or the output change.

        They stay when only the values seen in the data change.
        """
        arguments = {name: _declared(told) for name, told in self.properties.items()}
        text = json.dumps(
            [self.name, self.argument_schema | {"properties": arguments}, self.output], sort_keys=True, default=str
        )
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def missing_scope(self, fields: frozenset[ScopeField]) -> frozenset[ScopeField]:
        """The fields of a scope in use that this source cannot enforce (none when it is shared)."""
        return frozenset() if self.shared else fields - self.enforces


def _declared(told: Schema) -> Schema:
    """An argument's schema without what was only seen in the data."""
    seen = {"values", "sampled", "enum"} if told.get("sampled") else {"values"}
    kinds = {"anyOf": [_without(kind, seen) for kind in told["anyOf"]]} if "anyOf" in told else {}
    return _without(told, seen) | kinds


def _without(schema: Schema, keys: Collection[str]) -> Schema:
    return {key: value for key, value in schema.items() if key not in keys}


def _type_words(schema: Schema, definitions: Mapping[str, Schema]) -> str:
    if (name := str(schema.get("$ref", "")).rsplit("/", 1)[-1]) in definitions:
        # Each definition is followed once, since it may refer to itself.
        return _type_words(definitions[name], _without(dict(definitions), {name}))
    if "enum" in schema:
        values = [json.dumps(v, ensure_ascii=False) for v in schema["enum"]]
        return " | ".join(values) if len(values) <= 12 else " | ".join([*values[:12], "…"])
    if "anyOf" in schema:
        return " | ".join(_type_words(s, definitions) for s in schema["anyOf"] if s.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type_words(schema.get('items', {}), definitions)}"
    return str(schema.get("format") or schema.get("type") or "any")


def free_query(description: str = "what to look for, in plain words") -> type[BaseModel]:
    """An argument model of one free text `query`, as a document source takes."""
    extra: dict[str, JsonValue] = {"role": "query"}
    return create_model(
        "Query",
        __config__=ConfigDict(extra="forbid"),
        query=(str, Field(description=description, min_length=1, json_schema_extra=extra)),
    )
