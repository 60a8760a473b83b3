"""What a planner is given for a question: checked, and cut down to the sources of its scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rag.errors import InputError
from rag.protocols import Model, Source, Task
from rag.types import Budget, Scope, Turn

__all__ = ["LONGEST_QUESTION", "check_question", "make_task"]

LONGEST_QUESTION: Final = 20_000
"""How many characters a question may have."""


def check_question(question: str) -> str:
    """The question itself, when it can be asked.

    Raises:
        InputError: it is empty or too long.
    """
    if not question.strip():
        raise InputError("the question is empty; ask something")
    if len(question) > LONGEST_QUESTION:
        raise InputError(
            f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} can be asked."
            " Put long texts into a source"
        )
    return question


def _left_out(sources: Mapping[str, Source], scope: Scope) -> dict[str, str]:
    """Why sources may not be asked in the scope, by name; those that may are not in it."""
    missing = {name: source.card.missing_scope(scope.in_use) for name, source in sources.items()}
    return {
        name: f"cannot keep to the scope's {', '.join(sorted(fields))}" for name, fields in missing.items() if fields
    }


def make_task(
    question: str,
    sources: Mapping[str, Source],
    *,
    now: datetime,
    turns: Sequence[Turn] = (),
    scope: Scope | None = None,
    budget: Budget | None = None,
    model: Model | None = None,
) -> Task:
    """The task of a question, with the cards of the sources that can keep to the scope."""
    scope = scope or Scope()
    out = _left_out(sources, scope)
    return Task(
        question=question,
        cards=tuple(source.card for name, source in sources.items() if name not in out),
        now=now,
        turns=tuple(turns),
        scope=scope,
        budget=budget or Budget(),
        model=model is not None,
        left_out=out,
    )
