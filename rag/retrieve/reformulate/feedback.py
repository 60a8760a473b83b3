"""An ensemble of keyword sets without a model: one from each of the first hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import ConfigError
from rag.retrieve.algebra import Query, Retriever
from rag.retrieve.reformulate.rm3 import relevance_model
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.words import Mode, check_mode, variants_of
from rag.retrieve.way import Way

__all__ = ["FeedbackEnsemble"]


@dataclass(frozen=True, slots=True)
class FeedbackEnsemble(Reformulator):
    """The query with the likeliest words of each of its first hits: in one query, or in one for each hit, fused.

    Args:
        documents: hits that are taken for relevant.
        terms: words of each that are added.
        mode: "concat" makes one query, "fusion" one a hit.
        repeat: how often the query stands before the words.

    Raises:
        ConfigError: a setting is out of its range.

    Source: Dhole and Agichtein, 2024, arXiv 2404.03746 (the ensemble), with the words of a relevance
    model of each document in place of a language model's.
    """

    documents: int = 5
    terms: int = 10
    mode: Mode = "concat"
    repeat: int = 5

    def __post_init__(self) -> None:
        check_mode(self.mode, self.repeat)
        if self.documents < 1 or self.terms < 1:
            raise ConfigError(f"{self!r} cannot work; give 1 or more documents and terms")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """One query, or one a hit; the same one when nothing is found."""
        hits = (await retriever.found(query, self.documents, way)).hits[: self.documents]
        sets = [" ".join(word for word, _ in relevance_model([hit], self.terms)) for hit in hits]
        return variants_of(query, sets, self.mode, self.repeat)
