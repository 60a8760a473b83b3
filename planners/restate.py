"""Rules for a part of a plan that was lost: the same words at another source, or fewer arguments."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

from planners.actions import probes
from planners.choose import by_content
from planners.lost import FOUND_NOTHING, Lost, referring
from planners.mend import less_references
from planners.records import is_record
from planners.schemas import id_pattern
from rag.card import SourceCard
from rag.plan import Plan, Step
from rag.protocols import Action, Observation, Task

__all__ = ["restated"]


def restated(
    lost: Lost, task: Task, tried: Sequence[Step], fresh: Iterator[str]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], tuple[Plan, Collection[str]]]:
    """The plan with a new step in place of each lost one, where rules know of one that was not tried; and of which.

    A lookup that found nothing is loosened: it keeps its words and ids. Words go to the source that fits
    them best of those that are left. An id that no record has is looked for nowhere else. What may change
    something is left as it is: whether it was done is not known, and what rules find is a guess.

    Args:
        lost: what is to be planned anew.
        task: the question, and the sources that there are.
        tried: all steps so far.
        fresh: ids that no step had.
    """
    cards = {card.name: card for card in task.cards}
    # A stand-in's words are those of the step that it stands for.
    again = [step for step in lost.steps if step.if_empty not in lost.why and cards[step.source].idempotent]
    words = [_words(step, cards[step.source]) for step in again]
    texts = list(dict.fromkeys(filter(None, words)))
    scores = dict(zip(texts, (yield from probes(texts)), strict=True))
    left = [card for card in task.cards if card.name not in lost.down and card.idempotent]
    asked = [(step.source, step.args) for step in tried]
    made: dict[str, Step] = {}
    for step, text in zip(again, words, strict=True):
        others = (*_loosened(step, left, lost), *_again(step, left, made), *_elsewhere(step, text, left, scores))
        if new := next((other for other in others if (other.source, other.args) not in asked), None):
            made[step.id] = new.replace(id=next(fresh), after=(), if_empty=None)
            asked.append((new.source, new.args))
    notes = [f"{new.id}: planned in place of {old}, since {lost.why[old]}" for old, new in made.items()]
    notes = notes or [f"nothing is left to ask in place of {', '.join(lost.why)}"]
    changing = [step for step in lost.steps if not cards[step.source].idempotent]
    notes += [f"{step.id}: not planned anew, since {step.source} may change something" for step in changing]
    return lost.kept.replace(steps=(*lost.kept.steps, *made.values())).noted(*notes), made.keys()


def _words(step: Step, card: SourceCard) -> str:
    """What the step searches for, less what other steps were to give."""
    words = less_references(step.args.get(card.query_argument or ""))
    return words if isinstance(words, str) else ""


def _loosened(step: Step, left: Sequence[SourceCard], lost: Lost) -> Iterator[Step]:
    """The lookup with its words and ids alone, when it was made and found nothing."""
    card = next((card for card in left if card.name == step.source), None)
    if card is None or not is_record(card) or lost.why[step.id] != FOUND_NOTHING:
        return
    kept = {name: value for name, value in step.args.items() if _essential(name, card)}
    if kept.keys() - {"table"}:
        yield step.replace(args=kept)


def _essential(name: str, card: SourceCard) -> bool:
    return name in (*card.required, card.query_argument, "table") or bool(id_pattern(card, name))


def _again(step: Step, left: Sequence[SourceCard], made: Mapping[str, Step]) -> Iterator[Step]:
    """The step on what was made anew of those that it builds on."""
    if step.needs & made.keys() and any(card.name == step.source for card in left):
        yield step.replace(args=referring(step.args, {old: new.id for old, new in made.items()}))


def _elsewhere(
    step: Step, words: str, left: Sequence[SourceCard], scores: Mapping[str, Mapping[str, float]]
) -> Iterator[Step]:
    """The words at the step's own source, should others have been missing from them, then at those that fit them."""
    texts = [card for card in left if not is_record(card) and card.query_argument]
    if not words or not texts:
        return
    own = [card for card in texts if card.name == step.source]
    fitting = by_content(words, texts, scores[words], close=0.0, most=len(texts))
    for card in (*own, *(choice.card for choice in fitting)):
        yield step.replace(source=card.name, args={str(card.query_argument): words})
