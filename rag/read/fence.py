"""Passages as a prompt shows them: numbered, told apart by fences, and unable to leave theirs.

What stands in a passage is data: it is made inert before it is put in.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from prompts.inert import inert, on_one_line
from rag.types import EvidenceItem, Passage

__all__ = ["render_passages"]

_TITLE_LENGTH = 200
_DETAIL_LENGTH = 80
_DETAILS = 8


def render_passages(items: Sequence[EvidenceItem]) -> str:
    r"""The passages of a prompt, numbered from 1, each in a fence of its own.

    Example:
        >>> passage = Passage(doc_id="d", chunk_id="d#0", title="Returns", text="Within 30 days.", source="policies")
        >>> print(render_passages([EvidenceItem(passage=passage, step_id="s1")]))
        <passage 1>
        title: Returns
        source: policies
        ---
        Within 30 days.
        </passage 1>
    """
    return "\n\n".join(_fenced(number, item.passage) for number, item in enumerate(items, 1))


def _fenced(number: int, passage: Passage) -> str:
    head = [("title", passage.title or passage.doc_id), ("source", passage.source), *_details(passage.metadata)]
    lines = [f"{_line(name)}: {_line(value)}" for name, value in head if value]
    return "\n".join([f"<passage {number}>", *lines, "---", inert(passage.text).strip(), f"</passage {number}>"])


def _details(metadata: dict[str, JsonValue]) -> list[tuple[str, str]]:
    """The date, and what else of the metadata is short: a review names its product nowhere else."""
    plain = {name: str(value) for name, value in metadata.items() if isinstance(value, str | int | float)}
    short = {name: value for name, value in plain.items() if len(value) <= _DETAIL_LENGTH and name != "title"}
    return sorted(short.items(), key=lambda pair: pair[0] != "date")[:_DETAILS]


def _line(text: str) -> str:
    return on_one_line(text, _TITLE_LENGTH)
