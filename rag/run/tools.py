"""What the questions of one assistant share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rag.models.prices import Prices
from rag.protocols import Model, Source
from rag.run.cache import Cache
from rag.run.calls import Caps
from rag.run.costs import Costs
from rag.run.manner import Manner
from rag.run.perloop import PerLoop
from rag.run.retry import ATTEMPTS
from rag.run.shortlist import Shortlist

if TYPE_CHECKING:
    from rag.experience import ExperienceMemory

__all__ = ["Tools"]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the questions of one assistant share."""

    sources: Mapping[str, Source]
    model: Model | None = None
    prompts: Path | None = None
    once: bool = True
    kept: Cache | None = None
    attempts: int = ATTEMPTS
    caps: Caps = field(default_factory=lambda: PerLoop(dict))
    costs: Costs = field(default_factory=Costs)
    prices: Prices = field(default_factory=Prices)
    shortlist: Shortlist = field(default_factory=Shortlist)
    experience: ExperienceMemory | None = None
    manner: Manner = field(default_factory=Manner)
