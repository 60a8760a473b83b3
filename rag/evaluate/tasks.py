"""The values of a task: questions, what is known of their right answers, and what they are asked of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rag.errors import ConfigError
from rag.evaluate.lines import located, records
from rag.plan import Plan
from rag.types import Turn

__all__ = ["Case", "Task"]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and what is known of its right answer; what is not known is not measured.

    `answers` are equally good. `answerable` is False where the sources do not hold the answer. `docs` are
    the documents, chunks or turns that bear it out, each with its relevance, from 1. `label` is a claim's,
    `plans` are equally good. `now` is when the question is asked, of its `conversation` if it has one.
    """

    case_id: str
    question: str
    answers: tuple[str, ...] = ()
    answerable: bool = True
    docs: Mapping[str, int] = field(default_factory=dict)
    label: str | None = None
    plans: tuple[Plan, ...] = ()
    conversation: str | None = None
    now: datetime | None = None

    @property
    def planned_only(self) -> bool:
        """Whether nothing but its plan can be measured, so that the plan need not be run."""
        return bool(self.plans) and not (self.answers or self.docs or self.label) and self.answerable


@dataclass(frozen=True, slots=True)
class Task:
    """Questions that are asked together; `data_hash` changes when their files do.

    `conversations` are what conversation questions are about; `corpus` is the file of documents, if there is one.
    """

    name: str
    cases: tuple[Case, ...]
    data_hash: str = ""
    conversations: Mapping[str, tuple[Turn, ...]] = field(default_factory=dict)
    corpus: Path | None = None

    def __len__(self) -> int:
        return len(self.cases)

    def documents(self) -> Iterator[dict[str, Any]]:
        """The documents that come with the task, as `Index.add` takes them.

        Raises:
            ConfigError: the task has none.
            LoadError: their file cannot be read.
        """
        if self.corpus is None:
            raise ConfigError(f"the task {self.name} has no documents of its own: only folders with a corpus.jsonl do")
        for number, line in records(self.corpus):
            with located(self.corpus, number):
                document = {"doc_id": str(line["_id"]), "title": line.get("title") or "", "text": line["text"]}
                if wrong := [name for name in ("title", "text") if not isinstance(document[name], str)]:
                    raise ValueError(f"its {wrong[0]} is no text")
            yield document

    def sampled(self, limit: int | None) -> Task:
        """The task with a sample of its questions, the same on every run, in the task's order.

        Raises:
            ConfigError: the limit is below 1.
        """
        import random

        if limit is None or limit >= len(self.cases):
            return self
        if limit < 1:
            raise ConfigError(f"limit={limit} cannot be; ask at least 1 question")
        places = sorted(random.Random(0).sample(range(len(self.cases)), limit))  # noqa: S311  # no secret
        return replace(self, cases=tuple(self.cases[place] for place in places))
