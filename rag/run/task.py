"""What a planner is given for a question: checked, and cut down to the sources of its scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rag.errors import InputError
from rag.protocols import Source, Task
from rag.shown import encodable
from rag.types import Budget, Scope, Turn

__all__ = ["LONGEST_QUESTION", "Asked", "check_question", "make_task"]

LONGEST_QUESTION: Final = 20_000
"""How many characters a question may have."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of an assistant, and how."""

    question: str
    conversation: str | None = None
    turns: tuple[Turn, ...] = ()
    scope: Scope = field(default_factory=Scope)
    budget: Budget = field(default_factory=Budget)
    strict: bool = False
    retrieve: bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "question", encodable(self.question))  # half of a pair could be neither kept nor sent


def check_question(question: str) -> str:
    """The question itself, when it can be asked, without halves of surrogate pairs.

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
    return encodable(question)


def _left_out(sources: Mapping[str, Source], scope: Scope) -> dict[str, str]:
    """Why sources may not be asked in the scope, by name; those that may are not in it."""
    missing = {name: source.card.missing_scope(scope.in_use) for name, source in sources.items()}
    return {
        name: f"cannot keep to the scope's {', '.join(sorted(fields))}" for name, fields in missing.items() if fields
    }


def make_task(
    asked: Asked, sources: Mapping[str, Source], *, now: datetime, model: bool = False, replans: int = 0
) -> Task:
    """The task of a question, with the cards of the sources that can keep to the scope."""
    out = _left_out(sources, asked.scope)
    return Task(
        question=asked.question,
        cards=tuple(source.card for name, source in sources.items() if name not in out),
        now=now,
        turns=asked.turns,
        scope=asked.scope,
        budget=asked.budget,
        model=model,
        left_out=out,
        retrieve=asked.retrieve,
        replans=replans,
    )
