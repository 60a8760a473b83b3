"""Tools, as function-calling specifications describe them, as sources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from rag.card import Schema, ScopeField, SourceCard
from rag.errors import ConfigError
from rag.sources.arguments import make_card
from rag.sources.function import EVERY_FIELD, FunctionSource, is_async, named
from rag.sources.schemas import as_given, model_of, plain
from rag.sources.signature import scope_parameter

__all__ = ["tools"]

# As OpenAI's, Anthropic's and MCP's specifications have them.
_ARGUMENTS: Final = ("parameters", "input_schema", "inputSchema")
_OUTPUTS: Final = ("output_schema", "outputSchema")


def tools(
    specs: Iterable[Mapping[str, Any]],
    call: Callable[..., Any],
    *,
    enforces: Collection[ScopeField] | None = None,
    shared: bool = False,
    idempotent: bool = True,
    timeout: float = 30.0,
    cacheable: bool = False,
    ttl: float | None = None,
    concurrency: int = 100,
    identity: str | None = None,
) -> list[FunctionSource]:
    """One source for each specification of a tool: `{"name", "description", "parameters"}`.

    OpenAI's `{"type": "function", "function": {…}}` is taken as well, and so are the `input_schema`,
    `inputSchema` and `outputSchema` of others. Arguments are checked against the JSON schema and passed
    on as JSON; what the schema does not tell for sure, the tool may judge. What a tool returns becomes
    rows, as a function's does: see `rag.source`.

    Args:
        specs: the specifications, each with a name of its own.
        call: called as `call(name, arguments)`, plain or async. A parameter annotated `rag.Scope` is
            given the question's scope.
        enforces: the scope's fields that the tools keep to; by default every one if `call` takes a
            `rag.Scope` and the tools are not shared, else none.
        shared: the tools' data is for everyone, whatever the scope.
        idempotent: a call may be made twice without harm; give False for tools that change something.
        timeout: seconds that a call may take.
        cacheable: the same call brings the same rows, so that they may be kept.
        ttl: seconds that rows may be kept.
        concurrency: calls of one tool that may run at once.
        identity: which data is behind the tools, as for `rag.source`; by default the name of `call`.

    Raises:
        ConfigError: a specification has no name, or the options do not go together.

    Example:
        >>> spec = {"name": "weather", "description": "The weather of a day.", "parameters": {
        ...     "type": "object", "required": ["city"],
        ...     "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}}}}
        >>> (weather,) = tools([spec], lambda name, arguments: {"sky": "clear"})
        >>> print(weather.card.signature)
        weather(city: string, unit?: "C" | "F")
    """
    scope = scope_parameter(call)
    if enforces and shared:
        raise ConfigError("tools: data that is for everyone is not kept apart; leave out shared or enforces")
    if enforces and not scope:
        raise ConfigError("tools: call cannot keep to a scope that it does not know; give it a parameter of rag.Scope")
    if enforces is None:
        enforces = EVERY_FIELD if scope and not shared else ()
    options = {
        "enforces": frozenset(enforces),
        "shared": shared,
        "idempotent": idempotent,
        "timeout": timeout,
        "cacheable": cacheable,
        "ttl": ttl,
        "concurrency": concurrency,
        "identity": named(call) if identity is None else identity,
    }
    return [_tool(_card(spec, options), call, scope) for spec in specs]


def _card(spec: Mapping[str, Any], options: Mapping[str, Any]) -> SourceCard:
    told = spec.get("function", spec) if isinstance(spec, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(name := told.get("name"), str):
        raise ConfigError(f"{spec!r:.120} is no specification of a tool: it has no name")
    return make_card(
        name,
        about=str(told.get("description") or ""),
        arguments=model_of(_first(told, _ARGUMENTS)),
        output=_row(plain(_first(told, _OUTPUTS)), name),
        **options,
    )


def _first(told: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((told[key] for key in keys if told.get(key)), None)


def _row(output: Schema, name: str) -> Schema | None:
    """The schema of one row, as `rows_of` makes rows of what a tool returns."""
    kind = output.get("type", "object" if "properties" in output else None)
    if kind == "array":
        return _row(output.get("items", {}), name)
    if kind in (None, "object"):
        return output if "properties" in output else None
    field = "text" if kind == "string" else name
    return {"type": "object", "properties": {field: output}, "required": [field]}


def _tool(card: SourceCard, call: Callable[..., Any], scope: str | None) -> FunctionSource:
    # Under a name that no argument of the tool has: "scope" is an argument of many.
    injected = scope
    while injected in card.properties:
        injected = f"{injected}_"

    def called(arguments: dict[str, Any]) -> Any:
        passed = {scope: arguments.pop(str(injected))} if scope else {}
        return call(card.name, as_given(arguments), **passed)

    def ask(**arguments: Any) -> Any:
        return called(arguments)

    async def aask(**arguments: Any) -> Any:
        return await called(arguments)

    return FunctionSource(card, aask if is_async(call) else ask, injected)
