"""`EvidenceLoop`: searches again for what is still missing, until it is enough, and reads once, at the end."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from planners.actions import affords, answered, assess, complete, execute, probe, read
from planners.bridges import hold_together, onward, unmet
from planners.ledger import EvidenceLedger
from planners.reaper import Reaper
from planners.records import is_record
from planners.rounds import Again, first_round, joined_rounds
from planners.rules import named_sources
from planners.written import objects
from prompts.inert import on_one_line
from rag.card import Schema, SourceCard
from rag.errors import ConfigError, RagError
from rag.protocols import Action, Executed, Observation, Planner, Steps, Task
from rag.types import Answer, EvidenceItem
from rag.verdict import Key, Verdict

__all__ = ["EvidenceLoop"]

_FOLLOWED: Final = 3
"""Passages that a round leads on from. With one alone as much is found on HotpotQA, but less on 2WikiMultihopQA (all
gold of .733 of the questions, for .889), MuSiQue (.600, for .620) and IRCoT's questions (.843, for .865)."""

_MOST_CALLS: Final = 8
"""Searches of a later round, of all its sources together; each source is asked at least one query."""

_LINE_LENGTH: Final = 400  # characters of a passage, as the model is shown it
_QUERY_LENGTH: Final = 400  # characters
_MOST_TOKENS: Final = 120
_FOLLOW_UP: Final[Schema] = {
    "type": "object",
    "properties": {"known": {"type": "string"}, "next": {"type": "string"}},
    "required": ["known", "next"],
    "additionalProperties": False,
}

_Actions = tuple[Action, ...]
_Observations = tuple[Observation, ...]


class EvidenceLoop:
    """Rounds of retrieval over the plan of another planner, and one reading of the best that they found.

    Round 1 runs the inner planner's plan. After each round the evidence is assessed: where it is enough, and
    its passages belong together, the search ends. Else the next round's queries are made of what the question
    says and each of the best passages does not, with the names that the passage adds; and of the things in
    the question that no passage is about. Each step that searches by words is asked them; a source that the
    plan left out is, too, if it may hold more on them. The search also ends when a round brings nothing new. Of
    each later round as many new passages are kept as the first one brought. The verdict stands in the answer.
    An inner planner that goes step by step, as `React` does, has one round.

    Args:
        inner: makes the plan; by default `Reaper`.
        rounds: how often to retrieve at most, at least 1; one is the inner planner alone.
        by: the check of the evidence, as `rag.protocols.Assess` has it.
        asks: whether a model, by one call between two rounds, writes a further query; off by default, so that
            rounds cost no more calls than one (`benchmarks/followups.py` measures what it adds).
        style: how the answer is read.

    Raises:
        ConfigError: `rounds` is less than 1.
    """

    def __init__(
        self,
        inner: Planner | None = None,
        rounds: int = 2,
        *,
        by: str = "coverage",
        asks: bool = False,
        style: Literal["cited", "chain"] = "cited",
    ) -> None:
        if rounds < 1:
            raise ConfigError(f"rounds is {rounds}; give at least 1")
        self._inner = inner or Reaper()
        self.rounds = rounds
        self._by, self._asks, self._style = by, asks, style

    def plan(self, task: Task) -> Steps:
        """Plan, search in rounds, then read.

        Raises:
            RagError: the first round failed, or the reader; when a later round fails, what was found stands.
        """
        if self.rounds == 1:
            return (yield from self._inner.plan(task))
        first = yield from first_round(self._inner.plan(task), task)
        if isinstance(first, Answer):
            return first
        search = _Search(task, first, EvidenceLedger.of(first.evidence), self._by, self._asks)
        ended = yield from search.rounds(self.rounds)
        draft = yield from read(task.question, search.ledger.evidence, style=self._style)
        answer = answered(task.question, search.executed, draft, *ended)
        # A reader that was asked for a verdict on a claim knows more than what was found of its words.
        return answer.model_copy(update={"verdict": draft.verdict or search.verdict})


@dataclass
class _Search:
    """A search under way: what was found so far, and how it was judged."""

    task: Task
    executed: Executed
    ledger: EvidenceLedger
    by: str
    asks: bool
    verdict: Verdict | None = None

    def rounds(self, most: int) -> Generator[_Actions, _Observations, list[str]]:
        """Search until it is enough, or nothing new comes, or for so many rounds; how it ended, as notes."""
        again = Again.of(self.executed.plan, self.task.cards)
        followed: frozenset[Key] = frozenset()
        for number in range(1, most + 1):
            settled = yield from self._is_settled()
            if settled or number == most:
                return [self._told(number, settled=settled)]
            leads = [item for item in self.ledger.evidence.best_first().items if item.key not in followed]
            leads = sorted(leads, key=lambda item: -item.round)[:_FOLLOWED]
            followed |= {item.key for item in leads}
            try:
                ended = yield from self._round(number + 1, leads, again)
            except RagError as error:
                return [f"round {number + 1} failed: what was found before it stands ({error})"]
            if ended:
                return [self._told(number, settled=False), ended]
        return []

    def _told(self, number: int, *, settled: bool) -> str:
        """How the evidence was judged after a round."""
        if self.verdict is None:
            return f"{number} round{'s' if number > 1 else ''} of retrieval; the evidence could not be judged"
        missing = f"; missing: {', '.join(self.verdict.missing)}" if self.verdict.missing else ""
        if self.verdict.enough and not settled:
            return f"borne out after round {number}, by passages that do not lead to one another"
        return f"enough after round {number}" if settled else f"not enough after round {number}{missing}"

    def _is_settled(self) -> Generator[_Actions, _Observations, bool]:
        question, evidence = self.task.question, self.ledger.evidence
        try:
            self.verdict = yield from assess(question, evidence, by=self.by)
        except RagError:  # the next round is made without a verdict as well as with one
            self.verdict = None
            return False
        # What a plan looked up by what another step brought belongs together by that.
        planned = any(step.needs for step in self.executed.plan.steps)
        return self.verdict.enough and (planned or hold_together(question, evidence.items, self.verdict))

    def _round(
        self, number: int, leads: Sequence[EvidenceItem], again: Again
    ) -> Generator[_Actions, _Observations, str]:
        """Ask what is still missing; why there is no use in going on, where that brought nothing new."""
        queries = yield from self._queries(leads)
        if not queries:
            return f"nothing more to search for after round {number - 1}"
        again = yield from self._elsewhere(again, queries[0])
        plan = again.plan(*queries[: max(1, _MOST_CALLS // len(again.searching))])
        found = yield from execute(plan, round=number)
        before, self.ledger = len(self.ledger.evidence), self.ledger.with_round(found.evidence)
        self.executed = joined_rounds(self.executed, found, number, self.ledger.evidence)
        return "" if len(self.ledger.evidence) > before else f"round {number} brought nothing new"

    def _queries(self, leads: Sequence[EvidenceItem]) -> Generator[_Actions, _Observations, list[str]]:
        """What leads on, best first; where nothing does, the parts of the question that are missing, in its words."""
        question = self.task.question
        written = yield from self._written()
        onwards = [onward(question, item) for item in leads]
        queries = list(filter(None, [*written, *onwards, *unmet(question, self.ledger.evidence.items)]))
        if not queries and self.verdict and self.verdict.missing:
            queries = [" ".join(self.verdict.missing)]
        return list(dict.fromkeys(query[:_QUERY_LENGTH] for query in queries))

    def _elsewhere(self, again: Again, query: str) -> Generator[_Actions, _Observations, Again]:
        """The steps of the round, with the source beside theirs that may hold most on the query, if that is more."""
        asked = {step.source for step in again.steps}
        others = [card for card in self.task.cards if card.name not in asked and _takes_words(card)]
        if not others or named_sources(self.task.question, self.task.cards):
            return again
        try:
            scores = (yield from probe(query)).scores
        except RagError:
            return again
        best = max(others, key=lambda card: scores.get(card.name, 0.0))
        holds_more = scores.get(best.name, 0.0) > max((scores.get(name, 0.0) for name in asked), default=0.0)
        return again.also(best) if holds_more else again

    def _written(self) -> Generator[_Actions, _Observations, tuple[str, ...]]:
        """The query that the model writes, if it is to."""
        if not (self.asks and self.task.model and affords(self.task, self.executed.model_calls)):
            return ()
        passages = [item.passage for item in self.ledger.evidence.items]
        values = {
            "passages": "\n".join(f"- {on_one_line(f'{p.title}: {p.text}', _LINE_LENGTH)}" for p in passages),
            "question": on_one_line(self.task.question, _LINE_LENGTH),
            "missing": on_one_line(", ".join(self.verdict.missing) if self.verdict else "", _LINE_LENGTH) or "unknown",
        }
        try:
            reply = yield from complete("followup", values, schema=_FOLLOW_UP, max_tokens=_MOST_TOKENS)
        except RagError:  # the round is made without
            return ()
        return tuple(filter(None, [_next(reply.text)]))


def _next(text: str) -> str:
    """The query in what the model wrote; empty where there is none."""
    value = next(objects(text), {}).get("next")
    return " ".join(value.split()) if isinstance(value, str) else ""


def _takes_words(card: SourceCard) -> bool:
    words_alone = card.query_argument is not None and card.required <= {card.query_argument}
    return words_alone and card.idempotent and not is_record(card)
