"""How much of the chat API an endpoint takes, as its refusals teach it.

OpenAI-compatible endpoints differ: some know no JSON schema, some no usage in a stream, and OpenAI's own
reasoning models take neither `temperature` nor `max_tokens`. So the full request goes first, and what is
refused is left out of the next one. Strict schemas are sent where an endpoint is known to enforce them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from rag.card import Schema
from rag.errors import ContextTooLong
from rag.models.errors import translate
from rag.models.strict import strict_schema
from rag.protocols import Message

if TYPE_CHECKING:
    import openai

__all__ = ["Ask", "Dialect"]

_SCHEMA_NAME: Final = "reply"
_REFUSALS: Final = (400, 404, 422)
_Format: TypeAlias = Literal["strict", "json_schema", "json_object", "none"]
_SIMPLER: Final[Mapping[_Format, _Format]] = {
    "strict": "json_schema",
    "json_schema": "json_object",
    "json_object": "none",
    "none": "none",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What one call wants of the endpoint, whatever its dialect."""

    messages: Sequence[Message]
    schema: Schema | None
    max_tokens: int | None
    temperature: float | None
    stream: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """The options that an endpoint is sent.

    Example:
        >>> ask = Ask([Message("user", "hi")], {"type": "object"}, 9, 0.0, stream=False)
        >>> Dialect(format="json_object").options(ask)
        {'max_tokens': 9, 'temperature': 0.0, 'response_format': {'type': 'json_object'}}
    """

    format: _Format = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    stream_options: bool = True

    def options(self, ask: Ask) -> dict[str, Any]:
        """The request's options beside model and messages."""
        options: dict[str, Any] = {}
        if ask.max_tokens is not None:
            options[self.limit] = ask.max_tokens
        if ask.temperature is not None and self.temperature:
            options["temperature"] = ask.temperature
        if ask.schema is not None and self.format != "none":
            options["response_format"] = self._response_format(ask.schema)
        if ask.stream:
            options["stream"] = True
            if self.stream_options:
                options["stream_options"] = {"include_usage": True}
        return options

    def _response_format(self, schema: Schema) -> dict[str, Any]:
        if self.format == "json_object":
            return {"type": "json_object"}
        told: dict[str, Any] = {"name": _SCHEMA_NAME, "schema": schema}
        if self.format == "strict" and (strict := strict_schema(schema)) is not None:
            told = {"name": _SCHEMA_NAME, "strict": True, "schema": strict}
        return {"type": "json_schema", "json_schema": told}

    def without_refused(self, error: openai.APIStatusError, sent: Mapping[str, Any]) -> Dialect | None:
        """The dialect to try after a refusal, or None when no option of ours can be to blame.

        An option that the refusal names goes first; a refusal that names none is laid to the JSON
        schema, then to the usage asked for in a stream.
        """
        if error.status_code not in _REFUSALS or isinstance(translate(error, ""), ContextTooLong):
            return None
        said = f"{error.param} {error.message} {error.body}"
        named = [option for option in sent if option in said]
        for option in (*named, "response_format", "stream_options"):
            if option in sent and (next_one := self._without(option)):
                return next_one
        return None

    def _without(self, option: str) -> Dialect | None:
        match option:
            case "max_tokens":
                return replace(self, limit="max_completion_tokens")
            case "temperature":
                return replace(self, temperature=False)
            case "stream_options":
                return replace(self, stream_options=False)
            case "response_format":
                return replace(self, format=_SIMPLER[self.format])
        return None
