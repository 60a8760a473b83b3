"""A conversation at the terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rag.cli import show
from rag.cli.failures import complain
from rag.errors import RagError

if TYPE_CHECKING:
    from rag.assistant import Assistant

__all__ = ["talk"]


def talk(assistant: Assistant, conversation: str) -> None:
    """Ask what each line says, until an empty line or the end of the input; an error ends one question only."""
    if sys.stdin.isatty():
        show.write("Ask; an empty line or Ctrl-D ends it.")
    while question := _line():
        try:
            answer = assistant.ask(question, conversation=conversation)
        except RagError as error:
            complain(str(error))
            continue
        show.write(show.answer_text(answer) + "\n")


def _line() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    # Importing it is what gives `input` its line editing and history.
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    try:
        return input("> ").strip()
    except EOFError:
        return ""
