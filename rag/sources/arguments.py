"""What every source does: make its card, and hold each call to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ValidationError

from rag.card import SourceCard
from rag.errors import ConfigError, RagError, ScopeError, SourceError
from rag.types import Scope

__all__ = ["admit", "given", "make_card", "read_arguments", "translated"]


def make_card(name: str, **fields: Any) -> SourceCard:
    """The card, with fields as `SourceCard` has them.

    Raises:
        ConfigError: the name is empty or not printable, or a field has a value that cannot be.
    """
    if not name.strip() or not name.isprintable():
        raise ConfigError(f"{name!r} cannot name a source; give printable text in one line")
    try:
        return SourceCard(name=name, **fields)
    except ValidationError as error:
        raise ConfigError(f"source {name!r}: {_first_problem(error)}") from error


def admit(card: SourceCard, scope: Scope) -> None:
    """Let the call pass if the source keeps to the scope.

    Raises:
        ScopeError: the scope sets a field that the source does not enforce, and the source is not shared.
    """
    if missing := sorted(card.missing_scope(scope.in_use)):
        raise ScopeError(
            f"source {card.name!r} cannot keep to the scope's {' and '.join(missing)};"
            " have it enforce them, or declare it shared=True if its data is for everyone",
            source=card.name,
        )


def read_arguments(card: SourceCard, args: Mapping[str, Any]) -> BaseModel:
    """The arguments as the card's model has them.

    Raises:
        SourceError: an argument is unknown, missing, or of the wrong type.
    """
    if unknown := sorted(args.keys() - card.properties.keys()):
        takes = ", ".join(card.properties) or "none"
        raise SourceError(f"source {card.name!r} takes no argument {unknown[0]!r}; it takes: {takes}", source=card.name)
    try:
        return card.arguments.model_validate(dict(args))
    except ValidationError as error:
        raise SourceError(f"source {card.name!r}: argument {_first_problem(error)}", source=card.name) from error


def given(arguments: BaseModel) -> dict[str, Any]:
    """The arguments that were given, by the names that the card tells; null only where one must be given."""
    fields = type(arguments).model_fields
    return {
        fields[name].alias or name: value
        for name in arguments.model_fields_set
        if (value := getattr(arguments, name)) is not None or fields[name].is_required()
    }


@contextmanager
def translated(name: str) -> Iterator[None]:
    """The framework's own errors as the source's.

    Raises:
        SourceError: what lies behind the source failed; it says whether to try again, and when.
    """
    try:
        yield
    except SourceError:
        raise
    except RagError as error:
        retryable, wait = getattr(error, "retryable", False), getattr(error, "retry_after", None)
        raise SourceError(f"{name}: {error}", source=name, retryable=retryable, retry_after=wait) from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])!r}: {first['msg']}"
