"""Reranking: a model puts hits in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prompts.inert import inert
from rag.errors import ConfigError
from rag.protocols import Model
from rag.read.fence import render_passages
from rag.retrieve.algebra import Query, Step
from rag.retrieve.way import Way
from rag.run.meter import used
from rag.run.prompting import render
from rag.types import EvidenceItem, Hit

__all__ = ["Rerank", "order", "rerank"]

_NUMBER: Final = re.compile(r"(?<![0-9])[0-9]{1,4}(?![0-9])")
_LONGEST: Final = 1_500
"""Characters of a passage that the model is shown."""


@dataclass(frozen=True, slots=True, repr=False)
class Rerank(Step):
    """A step that orders hits by a model's judgement; the score is 1 / (rank + 1)."""

    model: Model
    window: int = 20
    stride: int = 10
    prompts: Path | None = None

    async def applied(self, query: Query, hits: Sequence[Hit], way: Way) -> Sequence[Hit]:
        """The hits in the model's order: windows slide from the last hits to the first."""
        ordered = list(hits)
        end = len(ordered)
        while end > 0:
            start = max(0, end - self.window)
            ordered[start:end] = await way.wait(self._ordered, query, ordered[start:end])
            end = end - self.stride if start else 0
        return [hit.model_copy(update={"score": 1 / (rank + 1), "rank": rank}) for rank, hit in enumerate(ordered)]

    async def _ordered(self, query: Query, hits: Sequence[Hit]) -> list[Hit]:
        if len(hits) < 2:
            return list(hits)
        shown = [hit.passage.model_copy(update={"text": hit.passage.text[:_LONGEST]}) for hit in hits]
        passages = render_passages([EvidenceItem(passage=passage, step_id="") for passage in shown])
        values = {"passages": passages, "question": inert(query.text), "count": str(len(hits))}
        messages, _ = render("rerank", values, self.prompts)
        reply = await self.model.complete(messages)
        used(self.model.name, reply.usage.model_copy(update={"model_calls": 1}))
        return [hits[place] for place in order(reply.text, len(hits))]

    def __repr__(self) -> str:
        return f"rerank({self.model.name})"


def rerank(model: Model, *, window: int = 20, stride: int = 10, prompts: Path | None = None) -> Step:
    """A step in which a model reads the hits and puts them in order, best first.

    One call orders `window` hits; more of them take several calls, from the last hits to the first,
    each `stride` hits on, so that a good hit can rise all the way.

    Args:
        model: what judges.
        window: hits of one call.
        stride: by how many hits the window moves; less than `window`.
        prompts: a folder whose `rerank.md` goes before ours.

    Raises:
        ConfigError: the window does not move, or moves past hits.

    Source: Sun et al., 2023, arXiv 2304.09542, section 3 (permutation generation, sliding windows).
    """
    if not 0 < stride < window:
        raise ConfigError(f"a window of {window} hits cannot move by {stride}; give a stride from 1 to {window - 1}")
    return Rerank(model, window, stride, prompts)


def order(text: str, count: int) -> list[int]:
    """The places (from 0) of `count` hits in the order of a model's reply.

    Numbers that name no hit, or one that was named already, are passed over; hits that are not named
    follow in the order that they had.

    Example:
        >>> order("[2] > [3] > [2] > [9]", 3)
        [1, 2, 0]
    """
    named = dict.fromkeys(int(number) - 1 for number in _NUMBER.findall(text))
    known = [place for place in named if 0 <= place < count]
    return known + [place for place in range(count) if place not in named]
