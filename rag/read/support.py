"""Is each sentence of an answer borne out by the passages that it cites?

Without a model: the passages have its numbers, something of each of its names, and most of its words; or
fewer of its words, but a statement of nearly the same meaning; and the statement nearest to it by its words
denies where it denies, and has no other name after the "by" of a verb. Words of denial are English ones. With
a model, a structured call says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from prompts.inert import on_one_line
from rag.protocols import Complete, Draft, Form
from rag.read.citations import cite, needs_source, speaks_of_absence, text_of
from rag.read.denial import agents, denies
from rag.read.fence import render_passages
from rag.read.marks import Bare, Mark
from rag.read.statements import statements
from rag.read.sufficiency.parts import proper_names
from rag.read.sufficiency.passages import has_word
from rag.read.terms import missing_numbers, terms
from rag.read.unsourced import NOTHING_FOUND
from rag.shown import encodable
from rag.types import EvidenceItem, Passage
from rag.verdict import Verdict

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["Sentence", "by_words", "dropped", "marked", "request", "sentences_of", "told"]

MOST_WORDS: Final = 0.6
"""The share of a sentence's words from which on a passage bears it out."""

_SOME_WORDS: Final = 0.4
_SAME_MEANING: Final = 0.7
"""With at least so many of the words, a statement as near as this cosine bears the sentence out too."""

_MARKER: Final = re.compile(r"(?:[ \t]*(?:[-*+•>]|[0-9]{1,3}[.)])[ \t]+)\Z")
"""What a list puts before a sentence."""

_LONGEST: Final = 500
_TOKENS_A_SENTENCE: Final = 24


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer without its [n], where it stands, and the places of its citations."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...] = ()

    @property
    def is_claim(self) -> bool:
        """Whether it says something that needs a source."""
        return needs_source(self.text)

    @property
    def is_checked(self) -> bool:
        """Whether there is something to check: it cites passages, and does not merely say what they lack."""
        return bool(self.citations and terms(self.text)) and not speaks_of_absence(self.text)


def sentences_of(draft: Draft) -> list[Sentence]:
    """The sentences of a draft, in order; each ends where the next one starts.

    Example:
        >>> from rag.types import Citation
        >>> passage = Passage(doc_id="d", chunk_id="d#0", text="It folds.")
        >>> draft = Draft("It folds [1]. It is blue.", (Citation(n=1, passage=passage, start=9, end=12),))
        >>> [(each.text, each.citations) for each in sentences_of(draft)]
        [('It folds .', (0,)), ('It is blue.', ())]
    """
    bare, ats, position = "", list[int](), 0
    for citation in draft.citations:
        bare += draft.text[position : citation.start]
        ats.append(len(bare))
        position = citation.end
    bare += draft.text[position:]
    whole = Bare(bare, tuple(Mark(at, "", ()) for at in ats), ())
    owners = [whole.owner(at) for at in ats]
    lengths = [citation.end - citation.start for citation in draft.citations]

    def place(at: int) -> int:
        # A citation right before a sentence belongs to the one before it.
        return at + sum(length for mark, length in zip(ats, lengths, strict=True) if mark <= at)

    starts = [place(_with_marker(bare, start)) for start, _ in whole.spans]
    ends = [*starts[1:], len(draft.text)]
    return [
        Sentence(bare[first:last], starts[n], ends[n], tuple(k for k, owner in enumerate(owners) if owner == n))
        for n, (first, last) in enumerate(whole.spans)
    ]


def by_words(draft: Draft, embedder: Embedder | None = None) -> list[bool | None]:
    """For each sentence, whether the passages that it cites bear it out; None where it cites none.

    Args:
        draft: the answer.
        embedder: compares by meaning where words alone do not tell; without one, only words count.

    Raises:
        ModelError: the embedder failed.
    """
    return [
        _is_borne_out(each.text, [draft.citations[n].passage for n in each.citations], embedder)
        if each.is_checked
        else None
        for each in sentences_of(draft)
    ]


def request(draft: Draft) -> Complete | None:
    """The prompt that has a model check each sentence against the passages it cites; None where none cites any."""
    wanted = [each for each in sentences_of(draft) if each.is_checked]
    passages = {citation.n: citation.passage for citation in draft.citations}
    lines = [
        f"{n}. {on_one_line(each.text, _LONGEST)} (passage {', '.join(_numbers(draft, each))})"
        for n, each in enumerate(wanted, 1)
    ]
    if not lines:
        return None
    items = [EvidenceItem(passage=passages[n], step_id="") for n in sorted(passages)]
    values = {"passages": render_passages(items), "sentences": "\n".join(lines), "count": str(len(lines))}
    return Complete("support", values, schema=_schema(), max_tokens=_TOKENS_A_SENTENCE * (len(lines) + 1))


def told(written: str, draft: Draft) -> list[bool | None] | None:
    """What a model said of each sentence of the draft; None when it did not say so of each that was asked."""
    start, end = written.find("{"), written.rfind("}")
    try:
        said = iter(_Told.model_validate_json(written[start : end + 1]).supported)
    except ValidationError:
        return None
    checked = [each.is_checked for each in sentences_of(draft)]
    verdicts = [next(said, None) if wanted else None for wanted in checked]
    return verdicts if sum(verdict is not None for verdict in verdicts) == sum(checked) else None


def marked(draft: Draft, verdicts: Sequence[bool | None]) -> Draft:
    """The draft with what was found told of each citation, and a note that names the sentences not borne out."""
    citations = list(draft.citations)
    doubted = list[str]()
    for sentence, verdict in zip(sentences_of(draft), verdicts, strict=True):
        for n in sentence.citations:
            citations[n] = citations[n].model_copy(update={"supported": verdict})
        if verdict is False:
            doubted.append(_quoted(sentence.text))
    notes = (f"the passages cited do not bear out: {', '.join(doubted)}",) if doubted else ()
    return replace(draft, citations=tuple(citations), notes=(*draft.notes, *notes))


def dropped(draft: Draft, verdicts: Sequence[bool | None], form: Form = "answer") -> Draft:
    """The draft without what is not borne out: sentences found wanting, and claims that cite nothing.

    A "yes", a "no" or a verdict that nothing is left to bear out becomes "Not enough."
    """
    kept, gone = "", list[str]()
    for sentence, verdict in zip(sentences_of(draft), verdicts, strict=True):
        if verdict is False or (verdict is None and sentence.is_claim and not sentence.citations):
            gone.append(_quoted(sentence.text))
        else:
            kept += draft.text[sentence.start : sentence.end]
    if not gone:
        return marked(draft, verdicts) if draft.citations else _undecided(draft, form)
    passages = {citation.n: citation.passage for citation in draft.citations}
    cited = cite(kept, [passages[n] for n in sorted(passages)])
    notes = (*draft.notes, f"left out, since the passages do not bear it out: {', '.join(gone)}")
    text = cited.text or NOTHING_FOUND
    citations = tuple(each.model_copy(update={"supported": True}) for each in cited.citations)
    left = replace(draft, text=text, citations=citations, notes=notes)
    return left if citations else _undecided(left, form)


def _undecided(draft: Draft, form: Form) -> Draft:
    """The draft, unless it decides something that no passage bears out: then, that there is not enough to say."""
    if form not in ("yes/no", "claim"):
        return draft
    verdict = Verdict(outcome="not enough", by="reader") if form == "claim" else None
    return replace(draft, text="Not enough.", verdict=verdict)


class _Told(BaseModel):
    supported: list[bool]


def _schema() -> dict[str, object]:
    verdicts = {"type": "array", "items": {"type": "boolean"}}
    return {
        "type": "object",
        "properties": {"supported": verdicts},
        "required": ["supported"],
        "additionalProperties": False,
    }


def _with_marker(text: str, start: int) -> int:
    """Where the list's marker before a place starts, else the place."""
    found = _MARKER.search(text, text.rfind("\n", 0, start) + 1, start)
    return found.start() if found else start


def _numbers(draft: Draft, sentence: Sentence) -> Iterator[str]:
    return (str(n) for n in sorted({draft.citations[place].n for place in sentence.citations}))


def _quoted(sentence: str) -> str:
    return repr(on_one_line(sentence.rstrip(" .").replace(" .", "."), 120))


def _is_borne_out(sentence: str, passages: Sequence[Passage], embedder: Embedder | None) -> bool:
    text = " ".join(text_of(passage) for passage in passages)
    words, own = set(terms(sentence)), frozenset(terms(text))
    if missing_numbers(sentence, text):
        return False
    names = [set(terms(name)) for name in proper_names(sentence)]
    if not all(any(has_word(own, word) for word in name) for name in names) or _is_turned(sentence, words, passages):
        return False
    share = sum(has_word(own, word) for word in words) / (len(words) or 1)
    return share >= MOST_WORDS or (
        share >= _SOME_WORDS and embedder is not None and _is_meant(sentence, passages, embedder)
    )


def _is_turned(sentence: str, words: Set[str], passages: Sequence[Passage]) -> bool:
    """Whether the statement nearest to a sentence says the contrary: it alone denies, or it was done by another."""
    told = [each.text[start:end] for each in passages for start, end in statements(each.text)]
    denied = denies(sentence)
    # Of statements that are as near, one that denies as the sentence does speaks for it.
    nearest = max(told, key=lambda text: (len(words & set(terms(text))), denies(text) == denied), default="")
    own, its = agents(sentence), agents(nearest)
    return bool(nearest) and (
        denies(nearest) != denied or any(own[verb].isdisjoint(its[verb]) for verb in own.keys() & its.keys())
    )


def _is_meant(sentence: str, passages: Sequence[Passage], embedder: Embedder) -> bool:
    told = [f"{each.title}: {each.text[start:end]}" for each in passages for start, end in statements(each.text)]
    if not told:
        return False
    vectors = embedder.embed([encodable(text) for text in (sentence, *told)])
    return bool((vectors[1:] @ vectors[0]).max() >= _SAME_MEANING)
