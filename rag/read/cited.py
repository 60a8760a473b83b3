"""The cited reader: the prompt that a model answers from, and what its answer amounts to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, Literal

from prompts.inert import inert, on_one_line
from rag.protocols import Complete, Draft, Form
from rag.read.absent import unknown_names
from rag.read.citations import cite, speaks_of_absence
from rag.read.fence import render_passages
from rag.read.unsourced import nothing_found
from rag.types import Evidence, EvidenceItem, Turn
from rag.verdict import Key, Outcome, Verdict

__all__ = ["decided", "draft", "ordered", "pack", "request"]

_ANSWER_TOKENS: Final[dict[Form, int]] = {"answer": 600, "short": 80, "long": 1600, "yes/no": 160, "claim": 160}
_PROMPTS: Final[dict[Form, str]] = {
    "answer": "answer",
    "short": "short",
    "long": "long",
    "yes/no": "decide",
    "claim": "decide",
}
_VERDICTS: Final[dict[Form, str]] = {"yes/no": "Yes, No, Not enough", "claim": "Supported, Refuted, Not enough"}
_OUTCOME = re.compile(r"\W*(supported|refuted|not enough)\b", re.IGNORECASE)
_FEW = 15
_TURNS = 6
_TURN_LENGTH = 600
_SPEAKER_LENGTH = 80


def pack(evidence: Evidence, max_tokens: int, count: Callable[[str], int]) -> tuple[EvidenceItem, ...]:
    """The items that fit a prompt, in the order of the evidence.

    Each step's best is taken before any step's second, and so on, so that no source crowds out
    another; one that does not fit is passed over. When none fits, the best is cut short.

    Args:
        evidence: what the steps found, best first within a step.
        max_tokens: how much the passages may take in the prompt, with their fences.
        count: the number of tokens of a text.
    """
    kept: set[Key] = set()
    left = max_tokens
    for item in evidence.best_first().items:
        size = count(render_passages([item]))
        if size <= left:
            kept.add(item.key)
            left -= size
    if not kept:
        return tuple(_shortened(item, max_tokens, count) for item in evidence.items[:1])
    return tuple(item for item in evidence.items if item.key in kept)


def ordered(items: Sequence[EvidenceItem]) -> tuple[EvidenceItem, ...]:
    """Many items in the order in which a model reads them best: the best first, the next best last, and so inwards.

    Up to fifteen stay as they are.

    Source: Lost in the Middle, Liu et al., TACL 2024, arXiv 2307.03172.
    """
    if len(items) <= _FEW:
        return tuple(items)
    ranked = Evidence(items=tuple(items)).best_first().items
    return (*ranked[::2], *reversed(ranked[1::2]))


def request(
    question: str,
    items: Sequence[EvidenceItem],
    turns: Sequence[Turn] = (),
    style: Literal["cited", "chain", "chat"] = "cited",
    form: Form = "answer",
) -> Complete:
    """The prompt that has a model answer from the items, in the form that is wanted of a cited answer.

    Where the items know neither a name of the question nor most else of it, the prompt says so: a small model
    else answers from what is merely like it.

    The style "chain" asks for a short chain of thought that ends in "So the answer is …"; its prompt
    holds no turns. The style "chat" is for what needs no source: a greeting, thanks, a small sum; its
    prompt holds no items.
    """
    values = {"question": inert(question)}
    if style == "cited":
        unknown, hopeless = unknown_names(question, items)
        if hopeless:
            values["question"] += f"\n(No passage mentions {inert(', '.join(unknown))}.)"
    if style != "chat":
        values["passages"] = render_passages(items)
    if style != "chain":
        values["conversation"] = _conversation(turns)
    if style != "cited":
        return Complete(style, values, max_tokens=_ANSWER_TOKENS["answer"])
    if form in _VERDICTS:
        values["verdicts"] = _VERDICTS[form]
    return Complete(_PROMPTS[form], values, max_tokens=_ANSWER_TOKENS[form])


def decided(text: str) -> Verdict | None:
    """The verdict on a claim that an answer of that form begins with; None where it begins with none.

    Example:
        >>> decided("Refuted. It is 240 metres long [1].").outcome
        'refuted'
    """
    found = _OUTCOME.match(text)
    if found is None:
        return None
    outcome: Outcome = found[1].lower()  # type: ignore[assignment]
    return Verdict(outcome=outcome, by="reader", score=0.0 if outcome == "not enough" else 1.0)


def draft(text: str, items: Sequence[EvidenceItem], form: Form = "answer") -> Draft:
    """What a model wrote from the items in that form, with every citation checked; a text of a chain is kept whole.

    A text that only says that the sources lack the answer is passed on without citations; an empty
    one becomes the answer that nothing was found.
    """
    cited = cite(text, [item.passage for item in items])
    evidence = Evidence(items=tuple(items))
    if not cited.text:
        empty = nothing_found("")
        return Draft(empty.text, evidence=evidence, notes=(*cited.notes, "the model wrote no answer"))
    absent = not cited.citations and speaks_of_absence(cited.text)
    notes = (*cited.notes, "the model found no answer in the sources") if absent else cited.notes
    return Draft(cited.text, cited.citations, evidence, notes, verdict=decided(cited.text) if form == "claim" else None)


def _shortened(item: EvidenceItem, max_tokens: int, count: Callable[[str], int]) -> EvidenceItem:
    shortest, longest = 1, len(item.passage.text)
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if count(render_passages([_cut(item, middle)])) <= max_tokens:
            shortest = middle
        else:
            longest = middle - 1
    return _cut(item, shortest)


def _cut(item: EvidenceItem, length: int) -> EvidenceItem:
    passage = item.passage
    while 0 < length < len(passage.text) and _joins(passage.text[length]):
        length -= 1
    text = passage.text[:length]
    span = (passage.span[0], passage.span[0] + length) if passage.span else None
    return item.model_copy(update={"passage": passage.model_copy(update={"text": text, "span": span})})


def _joins(character: str) -> bool:
    """Whether a character belongs to the one before it: half of a pair, or a mark on a letter."""
    return unicodedata.category(character) in {"Mn", "Me", "Mc", "Cf"} or "\udc00" <= character <= "\udfff"


def _conversation(turns: Sequence[Turn]) -> str:
    if not turns:
        return ""
    lines = [f"{_speaker(turn)}: {_brief(turn.text)}" for turn in turns[-_TURNS:]]
    return "\n".join(["The conversation so far:", *lines, "", ""])


def _speaker(turn: Turn) -> str:
    return on_one_line(turn.speaker or turn.role or "user", _SPEAKER_LENGTH)


def _brief(text: str) -> str:
    plain = inert(" ".join(text.split()))
    return plain if len(plain) <= _TURN_LENGTH else f"{plain[:_TURN_LENGTH]}…"
