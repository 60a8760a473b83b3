"""What loops over several rounds share: the first round of another planner, and what of its plan is asked again."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from planners.actions import execute
from planners.records import is_record
from planners.replan import replanned
from rag.card import SourceCard
from rag.plan import Plan, Step
from rag.protocols import Action, Execute, Executed, Observation, Steps, Task
from rag.types import Answer, Evidence

__all__ = ["Again", "first_round", "joined_rounds"]

_STEPWISE: Final = "one round: the planner chooses each step by what the last one brought"

_Actions = tuple[Action, ...]
_Observations = tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """The steps of a later round: those that search by words, less their words, and those whose rows they need.

    `searching` has, by the id of each step that searches, the argument that takes its words.
    """

    steps: tuple[Step, ...]
    searching: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, cards: Sequence[SourceCard]) -> Again:
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

    def plan(self, query: str, *more: str) -> Plan:
        """The plan that searches for each query wherever the steps do, query by query."""
        ids = self._fresh()
        steps = [self._asking(step, query) for step in self.steps]
        steps += [
            self._asking(step, other).replace(id=next(ids))
            for other in more
            for step in self.steps
            if step.id in self.searching
        ]
        return Plan(steps=tuple(steps))

    def also(self, card: SourceCard) -> Again:
        """The same, and one source more that takes words alone."""
        step = Step(id=next(self._fresh()), source=card.name, args={})
        return Again((*self.steps, step), {**self.searching, step.id: str(card.query_argument)})

    def _asking(self, step: Step, query: str) -> Step:
        argument = self.searching.get(step.id)
        return step.replace(args={**step.args, argument: query}) if argument else step

    def _fresh(self) -> Iterator[str]:
        taken = {step.id for step in self.steps}
        return (f"s{n}" for n in itertools.count(1) if f"s{n}" not in taken)


def first_round(inner: Steps, task: Task) -> Generator[_Actions, _Observations, Answer | Executed]:
    """What the plan of another planner brings; its answer, where no further round could add to that.

    That is so where it needs no plan, goes step by step, or searches for nothing by words.

    Raises:
        RagError: the planner, or its plan, failed.
    """
    first = yield from _planned(inner)
    if isinstance(first, Answer):
        return first
    if first.done is not None:
        answer = yield from _resumed(inner, first)
        return answer.model_copy(update={"notes": (*answer.notes, _STEPWISE)})
    if not Again.of(first.plan, task.cards).searching:
        return (yield from _resumed(inner, first))
    # From here on the reading is the loop's: the inner planner would answer after one round.
    inner.close()
    executed = yield from execute(first.plan)
    return (yield from replanned(executed, task)) if task.replans else executed


def joined_rounds(before: Executed, found: Executed, number: int, evidence: Evidence) -> Executed:
    """The rounds before, and what one more brought to them."""
    failures = {f"{step_id} of round {number}": why for step_id, why in found.failures.items()}
    return replace(
        before,
        evidence=evidence,
        failures={**before.failures, **failures},
        notes=(*before.notes, *found.notes),
        model_calls=max(before.model_calls, found.model_calls),
    )


def _searches(step: Step, card: SourceCard) -> bool:
    """Whether a step searches by words: a record that other arguments find is not found better by more words."""
    query = card.query_argument
    if not card.idempotent:  # its words are a message rather than a search
        return False
    return query in step.args and (query in card.required or not is_record(card))


def _less_words(step: Step, query: str | None) -> Step:
    args = {name: value for name, value in step.args.items() if name != query}
    return step.replace(args=args, after=(), if_empty=None)


def _planned(inner: Steps) -> Generator[_Actions, _Observations, Execute | Answer]:
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
    actions: _Actions = (first,)
    try:
        while True:
            actions = inner.send((yield actions))
    except StopIteration as done:
        return _answer(done)


def _answer(done: StopIteration) -> Answer:
    answer: Answer = done.value
    return answer
