"""Prompts filled for a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from prompts import load
from rag.errors import MissingVariable, PromptError
from rag.protocols import Message

__all__ = ["render"]


def render(name: str, values: Mapping[str, str], directory: Path | None = None) -> tuple[tuple[Message, ...], str]:
    """The messages of a prompt with the values put in, and the prompt's identity.

    Args:
        name: the prompt's name, as its file's stem.
        values: a text for each of its inputs.
        directory: where the user's own prompts lie; they go before those that ship.

    Raises:
        MissingVariable: an input has no value.
        PromptError: there is no such prompt, or its file is malformed or cannot be read.
    """
    try:
        prompt = load(name, directory)
    except (LookupError, ValueError, OSError) as error:
        raise PromptError(f"prompt {name!r}: {error}") from error
    try:
        pairs = prompt.render(values)
    except KeyError as error:
        raise MissingVariable(f"prompt {name!r} needs a value for {error.args[0]!r}") from error
    role = Literal["system", "user", "assistant"]
    return tuple(Message(cast(role, kind), content) for kind, content in pairs), prompt.identity
