"""`IterRetGen`: each round's draft goes back, with the question, as the next round's query.

Source: Iter-RetGen, Shao et al., EMNLP Findings 2023, arXiv 2305.15294, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from planners.actions import answered, execute, read
from planners.records import is_record
from planners.replan import replanned
from rag.card import SourceCard
from rag.errors import ConfigError, RagError
from rag.plan import Plan, Step
from rag.protocols import Action, Draft, Execute, Executed, Observation, Planner, Steps, Task
from rag.types import Answer

__all__ = ["IterRetGen"]

_STEPWISE: Final = "one round: the planner chooses each step by what the last one brought"


class IterRetGen:
    """Repeats retrieval and generation over the plan of another planner.

    Round 1 runs the inner planner's plan. In round t > 1 the query of each step is the whole draft of
    the round before, a space, and the question; steps that look up records by other arguments are not
    repeated. Only the passages of the round at hand are read, and no earlier draft is. The answer is
    the last draft; its evidence is that of all rounds. One round is the inner planner alone, and so is one
    that goes step by step, as `React` does.

    Args:
        inner: makes the plan.
        rounds: how often to retrieve and generate, at least 1.

    Raises:
        ConfigError: `rounds` is less than 1.
    """

    def __init__(self, inner: Planner, rounds: int = 2) -> None:
        if rounds < 1:
            raise ConfigError(f"rounds is {rounds}; give at least 1")
        self._inner = inner
        self._rounds = rounds

    def plan(self, task: Task) -> Steps:
        """Plan, then retrieve and generate in turns.

        Raises:
            RagError: the first round failed; when a later one does, the draft before it stands.
        """
        inner = self._inner.plan(task)
        if self._rounds == 1:
            return (yield from inner)
        first = yield from _planned(inner)
        if isinstance(first, Answer):
            return first
        if first.done is not None:
            answer = yield from _resumed(inner, first)
            return answer.model_copy(update={"notes": (*answer.notes, _STEPWISE)})
        again = _Again.of(first.plan, task.cards)
        if not again.searching:
            # Nothing to search for again: the inner planner ends as it would have.
            return (yield from _resumed(inner, first))
        # From here on the reading is ours: the inner planner would answer after one round.
        inner.close()
        executed = yield from execute(first.plan)
        if task.replans:
            executed = yield from replanned(executed, task)
            again = _Again.of(executed.plan, task.cards)
        draft = yield from read(task.question, executed.evidence, style="chain")
        return (yield from self._iterated(task.question, again, executed, draft))

    def _iterated(self, question: str, again: _Again, executed: Executed, draft: Draft) -> Steps:
        ended = f"{self._rounds} rounds of retrieval and generation"
        for number in range(2, self._rounds + 1):
            try:
                found = yield from execute(again.plan(f"{_uncited(draft.text)} {question}"), round=number)
                executed = _joined(executed, found, number)
                if not found.evidence:
                    ended = f"round {number} found nothing: the draft before it stands"
                    break
                draft = yield from read(question, found.evidence, style="chain")
            except RagError as error:
                ended = f"round {number} failed: the draft before it stands ({error})"
                break
        return answered(question, executed, draft, ended)


@dataclass(frozen=True, slots=True)
class _Again:
    """The steps of a later round: those that search by words, less their words, and those whose rows they need."""

    steps: tuple[Step, ...]
    searching: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, cards: Sequence[SourceCard]) -> _Again:
        """What of a plan is done again; a fallback is not, since its words would be those of the step it stands for."""
        by_name = {card.name: card for card in cards}
        searching = {
            step.id: str(card.query_argument)
            for step in plan.steps
            if (card := by_name.get(step.source)) and _searches(step, card) and not step.if_empty
        }
        less = {step.id: _less_words(step, searching.get(step.id)) for step in plan.steps}
        kept, found = set(searching), set(searching)
        while found := {other for step_id in found for other in less[step_id].needs if other in less} - kept:
            kept |= found
        return cls(tuple(step for step in less.values() if step.id in kept), searching)

    def plan(self, query: str) -> Plan:
        """The plan that searches for the query."""
        steps = [
            step.replace(args={**step.args, self.searching[step.id]: query}) if step.id in self.searching else step
            for step in self.steps
        ]
        return Plan(steps=tuple(steps))


def _uncited(draft: str) -> str:
    """A draft less its citations, which are ours: to a search they would be numbers like any other."""
    return re.sub(r"\s*\[[0-9]+\]", "", draft)


def _searches(step: Step, card: SourceCard) -> bool:
    """Whether a step searches by words: a record that other arguments find is not found better by more words."""
    query = card.query_argument
    if not card.idempotent:  # its words are a message rather than a search
        return False
    return query in step.args and (query in card.required or not is_record(card))


def _less_words(step: Step, query: str | None) -> Step:
    args = {name: value for name, value in step.args.items() if name != query}
    return step.replace(args=args, after=(), if_empty=None)


def _planned(inner: Steps) -> Generator[tuple[Action, ...], tuple[Observation, ...], Execute | Answer]:
    """The inner planner's plan, not yet run; its answer, should it need none."""
    try:
        actions = next(inner)
        while True:
            for action in actions:
                if isinstance(action, Execute):
                    return action
            actions = inner.send((yield actions))
    except StopIteration as done:
        return _answer(done)


def _resumed(inner: Steps, first: Execute) -> Steps:
    actions: tuple[Action, ...] = (first,)
    try:
        while True:
            actions = inner.send((yield actions))
    except StopIteration as done:
        return _answer(done)


def _answer(done: StopIteration) -> Answer:
    answer: Answer = done.value
    return answer


def _joined(before: Executed, found: Executed, number: int) -> Executed:
    failures = {f"{step_id} of round {number}": why for step_id, why in found.failures.items()}
    return replace(
        before,
        evidence=before.evidence.merged(found.evidence),
        failures={**before.failures, **failures},
        notes=(*before.notes, *found.notes),
    )
