"""The extractive reader: an answer without a model, in the sources' own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from rag.protocols import Draft, Form
from rag.read.absent import absent, unknown_names
from rag.read.claims import decide
from rag.read.marks import unmarked
from rag.read.passages import Statement, statements_of
from rag.read.rows import counted, is_row, matches, sentence
from rag.read.select import Part, Pool
from rag.read.statements import plain
from rag.read.terms import terms
from rag.read.unsourced import nothing_found
from rag.types import Citation, Evidence, EvidenceItem

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["extract"]

_ROWS = 10
"""Rows of one step that are listed at most."""

_ONE_THING = 3
"""Rows up to which their values are taken to be what the question is about."""

_SENTENCES: Final[dict[Form, int]] = {"answer": 6, "short": 1, "long": 12, "yes/no": 3, "claim": 3}
_SENTENCES_A_PART = 3
_COVERED = 0.3
"""The share of a clause's words from which on the steps' queries and rows are taken to have dealt with it."""

_CLAUSES = re.compile(
    r"[?;]\s*|,?\s+and\s+(?=(?:also\s+)?(?:(?:for|from|until|after|within|by|at|in|on|to|with|since)\s+)?"
    r"(?:what|how|when|where|which|who|why|do|does|did|is|are|was|were|can|could|may|must|should|will)\b)",
    re.IGNORECASE,
)


def extract(question: str, evidence: Evidence, *, embedder: Embedder | None = None, form: Form = "answer") -> Draft:
    """The statements and rows of the evidence that answer the question best, each with its [n].

    Each part of the question, as the steps' queries and the question itself have it, gets its own
    best statements from the sources that were asked for it. Quotes are verbatim.

    Args:
        question: as the user asked it.
        evidence: what the steps found.
        embedder: compares by meaning; without one, words alone count.
        form: how many statements of texts the answer has at most, rows on top; a claim gets a verdict by `decide`.

    Raises:
        ModelError: the embedder failed.

    Example:
        >>> from rag.types import Passage
        >>> text = "We pack in Ghent. Express delivery costs 9.50 EUR."
        >>> passage = Passage(doc_id="d", chunk_id="d#0", title="Shipping", text=text, source="policies")
        >>> evidence = Evidence(items=(EvidenceItem(passage=passage, step_id="s1"),))
        >>> extract("What does express delivery cost?", evidence).text
        'Express delivery costs 9.50 EUR [1].'
    """
    unheard, hopeless = unknown_names(question, evidence.items)
    rows = [item for item in evidence.items if is_row(item)]
    texts = [] if hopeless else [item for item in evidence.items if not is_row(item)]
    max_sentences = _SENTENCES[form]
    claim = decide(question, evidence) if form == "claim" else None
    answer = _Answer(f"{claim.outcome.capitalize()}. " if claim else "")
    for step_id in dict.fromkeys(item.step_id for item in rows):
        answer.tell_rows([item for item in rows if item.step_id == step_id], question)
    parts = _parts(question, texts, rows)
    pool = Pool(statements_of(texts), parts, embedder)
    taken: list[Statement] = []
    unknown = list(unheard)
    for part in parts if pool.about_it else ():
        each = max(1, min(_SENTENCES_A_PART, max_sentences // len(parts)))
        chosen = pool.choose(part, min(each, max_sentences - len(taken)), taken)
        missing = _unknown(part, chosen, evidence, embedder)
        if missing:
            unknown += missing
            chosen = [statement for statement in chosen if not statement.alike]
        answer.tell_statements(chosen, f"{question} {part.question} {part.context}")
        taken += chosen
    whole = [thing for thing in dict.fromkeys(unknown) if not any(thing != each and thing in each for each in unknown)]
    notes = tuple(f"the sources say nothing of {thing!r}" for thing in whole)
    if not answer.citations:
        nothing = nothing_found(question)
        return replace(nothing, text=f"{answer.text}{nothing.text}", notes=notes or nothing.notes, verdict=claim)
    return Draft(answer.text.strip(), tuple(answer.citations), evidence, notes=notes, verdict=claim)


def _unknown(part: Part, chosen: Sequence[Statement], evidence: Evidence, embedder: Embedder | None) -> list[str]:
    """The things that a part is about, when they are unknown and its statements are on other things of the kind.

    What any document of a kind has, as a dose, is no answer then. A subject that is known is enough.
    """
    asked = f"{part.question} {part.context}"
    alike = [statement for statement in chosen if statement.alike]
    if not alike or any(statement.is_meant(asked) for statement in alike):
        return []
    near = " ".join(" ".join([statement.text, *statement.names]) for statement in alike)
    return absent(part.question, evidence.items, near, embedder)


def _parts(question: str, texts: Sequence[EvidenceItem], rows: Sequence[EvidenceItem]) -> list[Part]:
    """What is asked of texts: each step's query, taken apart, and what of the question nothing else deals with."""
    asked: dict[str, set[str]] = {}
    for item in texts:
        for clause in _clauses(item.query or question):
            asked.setdefault(clause, set()).add(item.passage.source)
    told = [f"{item.query} {item.passage.text.replace('_', ' ')}" for item in rows]
    dealt_with = set(terms(" ".join([*asked, *told])))
    for clause in _clauses(question):
        words = set(terms(clause))
        if len(words & dealt_with) < _COVERED * len(words):
            asked[clause] = {item.passage.source for item in texts}
    context = " ".join(told) if len(rows) <= _ONE_THING else ""
    return [Part(clause, frozenset(sources), context) for clause, sources in asked.items()]


def _clauses(question: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSES.split(question) if terms(clause)]


@dataclass(slots=True)
class _Answer:
    """An answer as it grows."""

    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def tell_rows(self, items: Sequence[EvidenceItem], question: str) -> None:
        """One row as a sentence, several as a list with their count; those that have the question's words first."""
        ranked = sorted(items, key=lambda item: -matches(item, question))[:_ROWS]
        if len(items) > 1:
            self.text += f"{counted(items, len(ranked))}\n"
        for item in ranked:
            self.text += "- " if len(items) > 1 else ""
            self._add(sentence(item, question, listed=len(items) > 1), item, item.passage.text)
            self.text += "\n"

    def tell_statements(self, chosen: Sequence[Statement], question: str) -> None:
        """Statements as a paragraph; what one is about stands before it where it does not say so."""
        titles = {statement.item.passage.title for statement in chosen}
        several = len(titles) > 1 and not any(statement.is_meant(question) for statement in chosen)
        said = ""
        for place, statement in enumerate(chosen):
            subject = statement.subject(question, among_others=several)
            words = plain(statement.text)
            self.text += " " if place else ""
            self._add(f"{subject}: {words}" if subject not in ("", said) else words, statement.item, statement.text)
            # One that says its own subject ends the stretch on the last one.
            said = subject or (said if said in statement.names else "")
        self.text += "\n" if chosen else ""

    def _add(self, words: str, item: EvidenceItem, quote: str) -> None:
        """A sentence, with its citation before the full stop."""
        n = self.numbers.setdefault(item.key, len(self.numbers) + 1)
        body = unmarked(words).rstrip(" .;,!")
        self.text += f"{body} "
        start = len(self.text)
        self.text += f"[{n}]{'!' if words.endswith('!') else '.'}"
        end = start + len(f"[{n}]")
        # In the source's own words, and so borne out by it.
        self.citations.append(Citation(n=n, passage=item.passage, quote=quote, start=start, end=end, supported=True))
