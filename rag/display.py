"""How answers show themselves in a notebook: plain HTML, with no script and no download."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rag.plan import draw

if TYPE_CHECKING:
    from rag.types import Answer, Citation

__all__ = ["answer_html"]


def answer_html(answer: Answer) -> str:
    """The answer, its numbered sources, its notes and, folded away, its plan; every text is escaped."""
    sources = "".join(f"<li value='{citation.n}'>{_source_html(citation)}</li>" for citation in answer.cited)
    notes = "".join(f"<li><small>{escape(note)}</small></li>" for note in answer.notes)
    parts = [
        f"<p>{escape(answer.text)}</p>",
        f"<ol>{sources}</ol>" if sources else "",
        f"<ul>{notes}</ul>" if notes else "",
        f"<details><summary>plan</summary>{draw.html(answer.plan)}</details>",
    ]
    return "".join(parts)


def _source_html(citation: Citation) -> str:
    passage = citation.passage
    quote = f"<br><q>{escape(citation.quote)}</q>" if citation.quote else ""
    title, place = escape(passage.title or passage.doc_id), escape(f"{passage.source}: {passage.doc_id}")
    return f"<b>{title}</b> <small>({place})</small>{quote}"
