"""Experience: plans that were executed and served, kept to show how a like question was planned."""

from __future__ import annotations

from rag.experience.memory import ExperienceMemory

__all__ = ["ExperienceMemory"]
