"""Think, then retrieve: the query with drafts of what would answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from prompts.inert import inert
from rag.errors import ConfigError
from rag.protocols import Model
from rag.retrieve.algebra import Query, Retriever
from rag.retrieve.query import Weights
from rag.retrieve.reformulate.asked import asked
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.words import counted, joined
from rag.retrieve.way import Way
from rag.run.together import together

__all__ = ["STYLES", "Think", "thought"]

STYLES: Final = ("a passage of an encyclopaedia", "the abstract of a scientific paper", "the answer of an expert")
"""What drafts may be written as: a model without chance would write the same one each time."""

_TOKENS: Final = 150  # of a draft


@dataclass(frozen=True, slots=True, repr=False)
class Think(Reformulator):
    """The query with drafts of passages that would answer it, which a model writes from what it knows.

    Search by words counts the words of the query, `repeat` times, and those of the drafts. Search by
    meaning looks for the mean of the vectors: of the query joined to each draft, or, with
    `joined=False`, of the query and the drafts by themselves. A draft may be wrong, and lead astray.

    Args:
        model: what drafts; one call a style.
        styles: what the drafts are written as, one draft each.
        joined: whether the query is embedded together with each draft.
        repeat: how often the query's words count, beside those of the drafts.
        prompts: a folder whose `think.md` goes before ours.

    Raises:
        ConfigError: there is no style, or `repeat` is below 1.

    Source: Gao et al., 2022, arXiv 2212.10496 (HyDE: `joined=False`); Wang et al., 2023, arXiv 2303.07678
    (query2doc: the query five times, and a draft); Yan et al., 2025, arXiv 2502.07555 (O1 Embedder: the mean
    over the query joined to each thought).
    """

    model: Model
    styles: tuple[str, ...] = STYLES[:1]
    joined: bool = True
    repeat: int = 5
    prompts: Path | None = None

    def __post_init__(self) -> None:
        if not self.styles or self.repeat < 1:
            raise ConfigError(f"{len(self.styles)} styles with repeat={self.repeat} cannot work; give 1 or more")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """One query; the same one when the model has nothing to say.

        Raises:
            ModelError: a call failed.
            PromptError: the prompt cannot be filled.
        """
        drafts = await way.wait(self._drafts, query.text)
        return [Variant(thought(query, drafts, joined=self.joined, repeat=self.repeat))]

    async def _drafts(self, query: str) -> list[str]:
        found = await together([partial(self._draft, query, style) for style in self.styles])
        return [draft for draft in found if draft]

    async def _draft(self, query: str, style: str) -> str:
        values = {"style": style, "query": inert(query)}
        return await asked(self.model, "think", values, self.prompts, max_tokens=_TOKENS)

    def __repr__(self) -> str:
        return f"think({self.model.name}, {len(self.styles)})"


def thought(query: Query, drafts: Sequence[str], *, joined: bool = True, repeat: int = 5) -> Query:
    """The query with drafts: e = normalise(1/n Σ embed(q ⊕ t)), or with the query and each draft apart.

    Example:
        >>> thought(Query("how long is it?"), ["It is 240 metres long."]).texts
        (('how long is it? It is 240 metres long.', 1.0),)
    """
    if not drafts:
        return query
    texts: Weights = tuple((f"{query.text} {draft}", 1.0) for draft in drafts)
    if not joined:
        texts = ((query.text, 1.0), *((draft, 1.0) for draft in drafts))
    return replace(query, text=" ".join([query.text, *drafts]), words=_words(query.text, drafts, repeat), texts=texts)


def _words(query: str, drafts: Sequence[str], repeat: int) -> Weights:
    return counted(joined(query, drafts, repeat))
