"""`IterRetGen`: each round's draft goes back, with the question, as the next round's query.

Source: Iter-RetGen, Shao et al., EMNLP Findings 2023, arXiv 2305.15294, section 3. It is kept as published,
so that results compare; `planners.evidence_loop` is what rounds are by default.
"""

from __future__ import annotations

import re

from planners.actions import answered, execute, read
from planners.direct import Direct
from planners.rounds import Again, first_round, joined_rounds
from rag.errors import ConfigError, RagError
from rag.protocols import Draft, Executed, Planner, Steps, Task
from rag.types import Answer

__all__ = ["IterRetGen"]


class IterRetGen:
    """Repeats retrieval and generation over the plan of another planner.

    Round 1 runs the inner planner's plan. In round t > 1 the query of each step is the whole draft of
    the round before, a space, and the question; steps that look up records by other arguments are not
    repeated. Only the passages of the round at hand are read, by a prompt with worked chains of thought,
    and no earlier draft is. The answer is the last draft; its evidence is that of all rounds. How many
    passages a round has is the sources' to say. An inner planner that goes step by step, as `React` does,
    has one round.

    Args:
        inner: makes the plan; by default each source is asked the question as it is, as published.
        rounds: how often to retrieve and generate, at least 1.

    Raises:
        ConfigError: `rounds` is less than 1.
    """

    def __init__(self, inner: Planner | None = None, rounds: int = 2) -> None:
        if rounds < 1:
            raise ConfigError(f"rounds is {rounds}; give at least 1")
        self._inner = inner or Direct()
        self.rounds = rounds

    def plan(self, task: Task) -> Steps:
        """Plan, then retrieve and generate in turns.

        Raises:
            RagError: the first round failed; when a later one does, the draft before it stands.
        """
        executed = yield from first_round(self._inner.plan(task), task)
        if isinstance(executed, Answer):
            return executed
        draft = yield from read(task.question, executed.evidence, style="chain")
        return (yield from self._iterated(task, executed, draft))

    def _iterated(self, task: Task, executed: Executed, draft: Draft) -> Steps:
        question, again = task.question, Again.of(executed.plan, task.cards)
        ended = f"{self.rounds} round{'s' if self.rounds > 1 else ''} of retrieval and generation"
        for number in range(2, self.rounds + 1):
            try:
                found = yield from execute(again.plan(f"{_uncited(draft.text)} {question}"), round=number)
                executed = joined_rounds(executed, found, number, executed.evidence.merged(found.evidence))
                if not found.evidence:
                    ended = f"round {number} found nothing: the draft before it stands"
                    break
                draft = yield from read(question, found.evidence, style="chain")
            except RagError as error:
                ended = f"round {number} failed: the draft before it stands ({error})"
                break
        return answered(question, executed, draft, ended)


def _uncited(draft: str) -> str:
    """A draft less its citations, which are ours: to a search they would be numbers like any other."""
    return re.sub(r"\s*\[[0-9]+\]", "", draft)
