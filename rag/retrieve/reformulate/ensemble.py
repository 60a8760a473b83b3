"""Keywords from several instructions that ask for the same in other words."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from prompts.inert import inert
from rag.errors import ConfigError, ModelError
from rag.protocols import Model
from rag.retrieve.algebra import Query, Retriever
from rag.retrieve.reformulate.asked import asked, shown
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.words import Mode, check_mode, variants_of
from rag.retrieve.way import Way
from rag.run.prompting import render
from rag.run.together import together

__all__ = ["KeywordEnsemble"]

_TOKENS: Final = 64  # of one instruction's keywords
_BASED: Final = "Based on the given context information:\n{passages}\n\n"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class KeywordEnsemble(Reformulator):
    """The query with keywords that a model suggests, once for each of several instructions.

    One instruction is fragile; several in other words, taken together, beat each one. The calls run at
    once, one that fails is left out, and keyword sets that are alike count once. A strong reranker
    behind it leaves next to nothing of the gain.

    Args:
        model: what suggests; one call an instruction.
        instructions: how many of the ten instructions of the prompt `expand_by` are followed, from the first.
        mode: "concat" adds all keywords to one query; "fusion" searches once for each set and fuses the hits.
        repeat: how often the query stands before the keywords, so that they do not drown it.
        feedback: first hits that the model is shown; none when 0.
        prompts: a folder whose `expand.md` and `expand_by.md` go before ours.

    Raises:
        ConfigError: a setting is out of its range.

    Source: Dhole and Agichtein, 2024, arXiv 2404.03746 (GenQREnsemble: q K1 … KN); Dhole et al., 2024,
    arXiv 2405.17658 (GenQRFusion, and feedback before the instruction).
    """

    model: Model
    instructions: int = 10
    mode: Mode = "concat"
    repeat: int = 5
    feedback: int = 0
    prompts: Path | None = None

    def __post_init__(self) -> None:
        check_mode(self.mode, self.repeat)
        if self.instructions < 1 or self.feedback < 0:
            raise ConfigError(
                f"{self.instructions} instructions with {self.feedback} hits of feedback cannot work;"
                " give at least 1 instruction, and 0 or more hits"
            )

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """One query, or one for each set of keywords.

        Raises:
            ModelError: every call failed.
            PromptError: a prompt cannot be filled.
            RetrievalError: the index cannot be read for feedback.
        """
        context = ""
        if self.feedback:
            hits = (await retriever.found(query, self.feedback, way)).hits[: self.feedback]
            context = _BASED.format(passages=shown(hits)) if hits else ""
        keywords = await way.wait(self._suggested, query.text, context)
        return variants_of(query, keywords, self.mode, self.repeat)

    async def _suggested(self, query: str, context: str) -> list[str]:
        messages, _ = render("expand_by", {}, self.prompts)
        instructions = messages[0].content.splitlines()[: self.instructions]
        found = await together([partial(self._attempted, each, query, context) for each in instructions])
        failures = [outcome for outcome in found if isinstance(outcome, ModelError)]
        if len(failures) == len(found):
            raise failures[0]
        for failure in failures:
            _log.warning("a query is expanded without one of %d sets of keywords: %s", len(found), failure)
        return [outcome for outcome in found if isinstance(outcome, str)]

    async def _attempted(self, instruction: str, query: str, context: str) -> str | ModelError:
        values = {"instruction": instruction, "context": context, "query": inert(query)}
        try:
            return await asked(self.model, "expand", values, self.prompts, max_tokens=_TOKENS)
        except ModelError as error:
            return error

    def __repr__(self) -> str:
        return f"keywords({self.model.name}, {self.instructions}, {self.mode})"
