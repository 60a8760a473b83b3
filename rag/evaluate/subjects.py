"""What can be evaluated: assistants, retrievers and memories, each asked in its own way."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from rag.assistant import Assistant
from rag.errors import ConfigError
from rag.evaluate.tasks import Case, Task
from rag.ingest.sentences import sentences
from rag.memory import Memory
from rag.plan import Plan
from rag.read.citations import speaks_of_absence
from rag.read.unsourced import NOTHING_ASKED, NOTHING_FOUND
from rag.retrieve import Index
from rag.retrieve.algebra import DEPTH, Retriever
from rag.types import Answer, Passage, Scope

__all__ = ["Ask", "Outcome", "Subject", "asking"]

Subject: TypeAlias = Assistant | Retriever | Index | Memory
"""What a task can be put to."""

_MARK: Final = re.compile(r"\s*\[\d{1,3}\]")
_RECALLED: Final = 10  # turns that a memory is asked for


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question: a ranking of ids, best first, with their scores; and what else there was.

    `seconds` is the time it took; of a plan that was not run, the answer has nothing but the plan.
    """

    seconds: float
    ranking: tuple[tuple[str, float], ...] = ()
    answer: Answer | None = None
    plan: Plan | None = None

    @property
    def text(self) -> str:
        """The answer without its [n]."""
        return _MARK.sub("", self.answer.text) if self.answer else ""

    @property
    def abstains(self) -> bool:
        """Whether the answer says that the sources do not hold it; one that cites them, in every sentence."""
        if self.answer is None:
            return False
        text = self.text
        if not text.strip() or text in (NOTHING_ASKED, NOTHING_FOUND):
            return True
        said = (speaks_of_absence(text[start:end]) for start, end in sentences(text))
        return all(said) if self.answer.citations else speaks_of_absence(text)


Ask: TypeAlias = Callable[[Case], Awaitable[Outcome]]


async def asking(subject: Subject, task: Task, scope: Scope | None = None) -> Ask:
    """What asks the subject one question of the task; turns of conversations are put into its memory first.

    Raises:
        ConfigError: the subject is none, or cannot be asked what the task asks.
        StoreError: the turns cannot be kept.
    """
    scope = scope or Scope()
    if isinstance(subject, Memory):
        await _remembered(subject, task)
        return lambda case: _recalled(subject, case)
    if isinstance(subject, Retriever | Index):
        return lambda case: _searched(subject, case, scope)
    if not isinstance(subject, Assistant):
        raise ConfigError(
            f"{subject!r:.80} cannot be evaluated: give an assistant, a retriever, an index or a memory, or a function"
            " of a seed that makes one"
        )
    if task.conversations:
        if subject.memory is None:
            raise ConfigError(f"the task {task.name} asks about conversations; give the assistant a memory of its own")
        await _remembered(subject.memory, task)
    return lambda case: _answered(subject, case, scope, task.conversations)


async def _remembered(memory: Memory, task: Task) -> None:
    for name, turns in task.conversations.items():
        await memory.aadd(name, turns, scope=_whose(name))


def _whose(conversation: str) -> Scope:
    # Each conversation is another user's, so that an assistant, which is not to go on with it, finds it alone.
    return Scope(user=conversation)


async def _recalled(memory: Memory, case: Case) -> Outcome:
    started = time.perf_counter()
    scope = _whose(case.conversation) if case.conversation else None
    recall = await memory.arecall(case.question, case.conversation, now=case.now, k=_RECALLED, scope=scope)
    took = time.perf_counter() - started
    return Outcome(took, _by_rank([turn.turn_id for turn in recall.turns]))


async def _searched(subject: Retriever | Index, case: Case, scope: Scope) -> Outcome:
    started = time.perf_counter()
    hits = await subject.asearch(case.question, DEPTH, scope=scope)
    took = time.perf_counter() - started
    # A document counts where its first passage does.
    best: dict[str, float] = {}
    for hit in hits:
        best.setdefault(_named(hit.passage, case.docs), hit.score)
    return Outcome(took, tuple(best.items()))


async def _answered(assistant: Assistant, case: Case, scope: Scope, conversations: Container[str]) -> Outcome:
    asked = assistant if case.now is None else assistant.replaced(clock=_clock(case.now))
    scope = scope if case.conversation is None else _whose(case.conversation)
    started = time.perf_counter()
    if case.planned_only:
        plan = await asked.aplan(case.question, scope=scope)
        return Outcome(time.perf_counter() - started, plan=plan)
    answer = await asked.aask(case.question, scope=scope)
    took = time.perf_counter() - started
    names = [_named(item.passage, case.docs, conversations) for item in answer.evidence.items]
    return Outcome(took, _by_rank(names), answer, answer.plan)


def _clock(now: datetime) -> Callable[[], datetime]:
    return lambda: now


def _named(passage: Passage, gold: Mapping[str, int], conversations: Container[str] = ()) -> str:
    """The id by which the gold knows a passage: its document, its chunk, or its turn of a conversation."""
    # The number of a document's chunk may well be another document's id.
    turns = [passage.chunk_id.rpartition("#")[2]] if passage.doc_id in conversations else []
    return next((name for name in (passage.doc_id, passage.chunk_id, *turns) if name in gold), passage.doc_id)


def _by_rank(names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    # Evidence of several sources has no common score, so that its order alone counts.
    ordered = list(dict.fromkeys(names))
    return tuple((name, 1 / (rank + 1)) for rank, name in enumerate(ordered))
