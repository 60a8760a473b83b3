"""Sufficiency by a model: one structured call says how each part and the evidence stand; `natlog` makes the verdict.

What the model writes is held against the texts: a part must have words of the question, a figure in it must
stand in its passage, a name or figure that the model passed over is looked for by its words, and the sides
of a conflict must each stand in their passage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

from prompts.inert import inert
from rag.protocols import Complete
from rag.read.fence import render_passages
from rag.read.sufficiency.conflicts import conflict_of, conflicts
from rag.read.sufficiency.natlog import OUTCOMES, proved
from rag.read.sufficiency.parts import asked
from rag.read.sufficiency.passages import Read, met
from rag.read.terms import missing_numbers, terms
from rag.types import Evidence, EvidenceItem
from rag.verdict import Conflict, Operator, Part, Verdict

__all__ = ["request", "verdict"]

_VERDICT_TOKENS: Final = 500
_OPERATORS: Final[dict[str, Operator]] = {
    "same": "equivalence",
    "more": "forward_entailment",
    "less": "reverse_entailment",
    "opposite": "negation",
    "different": "alternation",
    "nothing": "independence",
}
_DECIDES: Final = frozenset(["equivalence", "forward_entailment", "negation", "alternation"])


class _Aligned(BaseModel):
    span: str
    passage: int
    relation: Literal["same", "more", "less", "opposite", "different", "nothing"]


class _Side(BaseModel):
    value: str
    passage: int


class _Differing(BaseModel):
    of: str
    sides: list[_Side]


class _Judged(BaseModel):
    parts: list[_Aligned]
    conflicts: list[_Differing] = []


def _schema() -> dict[str, Any]:
    def of(**properties: Any) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    text, number = {"type": "string"}, {"type": "integer"}
    part = of(span=text, passage=number, relation={"type": "string", "enum": list(_OPERATORS)})
    side = of(value=text, passage=number)
    differing = of(of=text, sides={"type": "array", "items": side})
    return of(parts={"type": "array", "items": part}, conflicts={"type": "array", "items": differing})


def request(text: str, items: Sequence[EvidenceItem]) -> Complete:
    """The prompt that has a model align the parts of a question or claim with the items, numbered from 1."""
    values = {"text": inert(text), "passages": render_passages(items)}
    return Complete("natlog", values, schema=_schema(), max_tokens=_VERDICT_TOKENS)


def verdict(written: str, text: str, items: Sequence[EvidenceItem]) -> Verdict | None:
    """What the model's alignment of a question or claim amounts to; None where it wrote none.

    Example:
        >>> from rag.types import Passage
        >>> film = Passage(doc_id="f", chunk_id="f#0", title="Alien", text="Alien was directed by Ridley Scott.")
        >>> reply = '{"parts": [{"span": "Who directed Alien", "passage": 1, "relation": "more"}], "conflicts": []}'
        >>> verdict(reply, "Who directed Alien?", [EvidenceItem(passage=film, step_id="s1")]).outcome
        'supported'
    """
    judged = _parsed(written)
    words = set(terms(text))
    aligned = [each for each in judged.parts if words & set(terms(each.span))] if judged else []
    # The automaton goes through the parts as the text has them, in whatever order a model wrote them.
    aligned.sort(key=lambda each: _place(each.span, text))
    if judged is None or not aligned:
        return None
    parts = [_part(each, items) for each in aligned]
    parts += _passed_over(text, " ".join(each.span for each in aligned), items)
    operators = [part.operator or "independence" for part in parts]
    return Verdict(
        outcome=OUTCOMES[proved(operators)],
        by="natlog",
        score=sum(operator in _DECIDES for operator in operators) / len(operators),
        parts=tuple(parts),
        conflicts=_conflicts(judged, items),
    )


def _place(span: str, text: str) -> int:
    """Where a span stands in the text; one in other words, where its first word does."""
    own = text.casefold()
    tries = [own.find(words) for words in (span.casefold().strip(" .?!"), *terms(span))]
    return next((place for place in tries if place >= 0), len(own))


def _parsed(written: str) -> _Judged | None:
    start, end = written.find("{"), written.rfind("}")
    try:
        return _Judged.model_validate_json(written[start : end + 1])
    except ValidationError:
        return None


def _part(aligned: _Aligned, items: Sequence[EvidenceItem]) -> Part:
    """A part as the model aligned it, unless its passage is none, or lacks a figure that it is to bear out."""
    item = items[aligned.passage - 1] if 0 < aligned.passage <= len(items) else None
    operator = _OPERATORS[aligned.relation]
    lacks = (
        item is not None
        and operator in ("equivalence", "forward_entailment")
        and (missing_numbers(aligned.span, Read(item).text))
    )
    if item is None or lacks or operator == "independence":
        return Part(text=aligned.span, operator="independence")
    return Part(text=aligned.span, evidence=(item.key,), operator=operator)


def _passed_over(text: str, spans: str, items: Sequence[EvidenceItem]) -> Iterator[Part]:
    """The names and figures of the text that no span has: borne out where a passage has them."""
    parts, said = asked(text), set(terms(spans))
    for part in (*parts.names, *parts.figures):
        words = frozenset(terms(part))
        if words & said:
            continue
        having = [item.key for item in items if len(met(words, [Read(item)])) == len(words)]
        yield Part(text=part, evidence=tuple(having), operator="equivalence" if having else "independence")


def _conflicts(judged: _Judged, items: Sequence[EvidenceItem]) -> tuple[Conflict, ...]:
    """The conflicts that the model tells of and the passages have, and those that rules find."""
    told = [
        conflict_of(
            each.of, [(side.value, items[side.passage - 1]) for side in each.sides if 0 < side.passage <= len(items)]
        )
        for each in judged.conflicts
    ]
    found = conflicts(Evidence(items=tuple(items)))
    seen = {frozenset(side.value for side in each.sides) for each in found}
    return (*found, *(each for each in told if each and frozenset(side.value for side in each.sides) not in seen))
