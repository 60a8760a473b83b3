"""A plan that the user gives, run as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

from rag.plan import Plan
from rag.protocols import Draft, Execute, Executed, Failed, Observation, Read, Source, Steps, Task
from rag.read.arithmetic import calculate
from rag.types import Answer, Citation, Evidence

__all__ = ["Given", "changes", "listed"]

_Seen = TypeVar("_Seen", Executed, Draft)


@dataclass(frozen=True, slots=True)
class Given:
    """The planner that runs one plan; without a question the evidence is listed in step order."""

    made: Plan
    question: str | None = None
    notes: tuple[str, ...] = ()

    def plan(self, task: Task) -> Steps:
        """Run the plan, and read what it brought.

        Raises:
            RagError: the plan could not be run, or the reader failed.
        """
        (executed,) = yield (Execute(self.made, exact=True),)
        executed = _of(executed, Executed)
        if self.question is None:
            draft = listed(executed.evidence)
        else:
            (seen,) = yield (Read(self.question, executed.evidence, self._style(self.question, task)),)
            draft = _of(seen, Draft)
        return Answer(
            text=draft.text,
            question=self.question or "",
            citations=draft.citations,
            evidence=executed.evidence,
            plan=executed.plan,
            notes=(*self.notes, *executed.plan.notes, *self._why_nothing, *executed.notes, *draft.notes),
        )

    @property
    def _why_nothing(self) -> tuple[str, ...]:
        """What is said of a plan without a step that does not say itself why it has none."""
        return () if self.made.steps or self.made.notes else ("no retrieval: the plan given has no step",)

    def _style(self, question: str, task: Task) -> Literal["cited", "chat"]:
        # A plan without a step says that no retrieval is needed. But who can neither chat nor count has no
        # answer to a question, and greets nobody who asked one.
        talks = task.model or not self._why_nothing or calculate(question)
        return "chat" if talks and not self.made.steps else "cited"


def listed(evidence: Evidence) -> Draft:
    """The evidence as a numbered list, in its order."""
    from rag.read.marks import unmarked  # its patterns take as long to compile as all of `rag.run` to load

    text = ""
    citations = []
    for n, item in enumerate(evidence.items, start=1):
        passage = item.passage
        text += unmarked(f"{passage.title}: {passage.text}" if passage.title else passage.text)
        mark = f" [{n}]"
        start = len(text) + 1
        text += f"{mark}\n"
        end = start + len(mark) - 1
        citations.append(Citation(n=n, passage=passage, quote=passage.text, start=start, end=end, supported=True))
    notes = ("no question was given: the evidence is listed in step order",)
    return Draft(text.rstrip("\n") or "Nothing was found.", tuple(citations), evidence, notes)


def changes(plan: Plan, sources: Iterable[Source]) -> tuple[str, ...]:
    """A note for each source of the plan's steps that has changed since the plan was made."""
    asked = {step.source for step in plan.steps}
    prints = {source.card.name: source.card.fingerprint for source in sources}
    return tuple(
        f"{name} has changed since the plan was made"
        for name, fingerprint in plan.sources.items()
        if name in asked and prints.get(name, fingerprint) != fingerprint
    )


def _of(seen: Observation, kind: type[_Seen]) -> _Seen:
    if isinstance(seen, Failed):
        raise seen.error
    if not isinstance(seen, kind):
        raise TypeError(f"the driver observed {type(seen).__name__}, not {kind.__name__}")
    return seen
