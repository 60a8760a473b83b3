"""Measures of citations: against gold documents, and by what the reader's check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rag.ingest.sentences import sentences
from rag.read.citations import speaks_of_absence

if TYPE_CHECKING:
    from rag.types import Answer, Citation

__all__ = ["precision", "recall", "support_precision", "support_recall"]


def precision(citations: Sequence[Citation], gold: Mapping[str, int]) -> float | None:
    """The share of the cited documents that are relevant; None where nothing is cited."""
    cited = _cited(citations)
    return len(cited & _relevant(gold, citations)) / len(cited) if cited else None


def recall(citations: Sequence[Citation], gold: Mapping[str, int]) -> float:
    """The share of the relevant documents that are cited."""
    relevant = {name for name, relevance in gold.items() if relevance > 0}
    names = {name for citation in citations for name in (citation.passage.doc_id, citation.passage.chunk_id)}
    return len(relevant & names) / len(relevant) if relevant else 0.0


def support_precision(answer: Answer) -> float | None:
    """The share of the checked citations that bear out what they stand at; None where none was checked.

    The reader's check judges the citations of a sentence together: an idle one beside one that bears the sentence
    out counts as bearing it out too, so that this is not below the citation precision of ALCE, which leaves each out
    in turn.

    Source: after Gao et al., 2023, ALCE, section 4.3, with the reader's own check as the judge.
    """
    checked = [citation.supported for citation in answer.citations if citation.supported is not None]
    return sum(checked) / len(checked) if checked else None


def support_recall(answer: Answer) -> float | None:
    """The share of the sentences that a checked citation bears out; None where none was checked.

    Sentences that say that the sources lack something need none.

    Source: Gao et al., 2023, ALCE, section 4.3 (citation recall), with the reader's own check as the judge.
    """
    if all(citation.supported is None for citation in answer.citations):
        return None
    spans = [(s, e) for s, e in sentences(answer.text) if not speaks_of_absence(answer.text[s:e])]
    borne = [any(c.supported and start <= c.start < end for c in answer.citations) for start, end in spans]
    return sum(borne) / len(borne) if borne else None


def _cited(citations: Sequence[Citation]) -> set[str]:
    return {citation.passage.doc_id for citation in citations}


def _relevant(gold: Mapping[str, int], citations: Sequence[Citation]) -> set[str]:
    """The cited documents that the gold names, by themselves or by a chunk."""
    return {
        citation.passage.doc_id
        for citation in citations
        if gold.get(citation.passage.doc_id, 0) > 0 or gold.get(citation.passage.chunk_id, 0) > 0
    }
