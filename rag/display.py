"""How answers show themselves in a notebook: plain HTML, with no script and no download."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Final

from rag import timeline
from rag.plan import draw

if TYPE_CHECKING:
    from rag.types import Answer, Citation, Usage

__all__ = ["answer_html", "cost"]

_FAINT: Final = "font-size:90%;opacity:.75"
# Lines and tints are of half-transparent grey, which shows on light pages and on dark ones.
_TAG: Final = "font-size:80%;padding:0 .5em;border:1px solid rgba(128,128,128,.5);border-radius:.8em"
_VERDICTS: Final = {True: " ✓ bears it out", False: " ✗ does not say so", None: ""}


def answer_html(answer: Answer) -> str:
    """The answer, its numbered sources, its notes and, folded away, plan and trace; every text is escaped."""
    return f'<div style="max-width:60em">{"".join(_parts(answer))}</div>'


def _parts(answer: Answer) -> Iterator[str]:
    if answer.partial:
        yield f'<div><span style="{_TAG};background:rgba(245,158,11,.3)">partial: something is missing</span></div>'
    yield f'<div style="white-space:pre-wrap;margin:.5em 0">{_marked(answer)}</div>'
    for citation in answer.cited:
        yield _source_html(citation)
    if answer.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in answer.notes)
        yield f'<ul style="margin:.5em 0;{_FAINT}">{notes}</ul>'
    yield _folded(_summary(answer), draw.html(answer.plan))
    if answer.trace:
        yield _folded(f"trace: {_counted(len(answer.trace), 'span')}", timeline.html(answer.trace))


def _folded(summary: str, page: str) -> str:
    return f'<details style="margin:.5em 0"><summary>{summary}</summary>{page}</details>'


def _marked(answer: Answer) -> str:
    """The text, each [n] with its source as a tooltip."""
    cited = {citation.n: citation for citation in answer.cited}

    def mark(found: re.Match[str]) -> str:
        citation = cited.get(int(found[1]))
        if citation is None:
            return found[0]
        told = _place(citation) + (f" — “{citation.quote}”" if citation.quote else "")
        return f'<span style="opacity:.7;cursor:help" title="{escape(told)}">{found[0]}</span>'

    return re.sub(r"\[(\d{1,6})\]", mark, escape(answer.text))


def _source_html(citation: Citation) -> str:
    verdict = f'<span style="{_FAINT}">{_VERDICTS[citation.supported]}</span>'
    quote = f'<div style="{_FAINT}"><q>{escape(citation.quote)}</q></div>' if citation.quote else ""
    passage = citation.passage
    doc_id = f' <code style="font-size:85%;background:none">{escape(passage.doc_id)}</code>' if passage.title else ""
    return (
        '<div style="margin:.35em 0;padding-left:.7em;border-left:3px solid rgba(128,128,128,.4)">'
        f"[{citation.n}] <strong>{escape(passage.title or passage.doc_id)}</strong> "
        f'<span style="{_TAG}">{escape(passage.source)}</span>{doc_id}{verdict}{quote}</div>'
    )


def _place(citation: Citation) -> str:
    passage = citation.passage
    return f"{passage.title or passage.doc_id} ({passage.source}: {passage.doc_id})"


def _summary(answer: Answer) -> str:
    steps = len(answer.plan.steps)
    return f"plan: {_counted(steps, 'step')} · {cost(answer.usage)}"


def cost(usage: Usage) -> str:
    """What something cost, on a line."""
    return " · ".join(_costs(usage))


def _costs(usage: Usage) -> Iterator[str]:
    yield _counted(usage.source_calls, "source call")
    yield _counted(usage.model_calls, "model call")
    if usage.tokens:
        yield f"{usage.tokens:,} tokens{' (estimated)' if usage.estimated else ''}"
    if usage.embedding_tokens:
        yield f"{usage.embedding_tokens:,} tokens embedded"
    if usage.usd is not None:
        yield timeline.money(usage.usd)
    yield f"{usage.seconds:.2f} s"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
