"""Profiles: what turns tell of who said them, as summaries, facts and concepts."""

from __future__ import annotations

from rag.memory.profile.concepts import Concepts
from rag.memory.profile.context import ProfileContext
from rag.memory.profile.profile import Profile
from rag.memory.profile.values import Concept, Edit, Fact, Sentence, Summary

__all__ = ["Concept", "Concepts", "Edit", "Fact", "Profile", "ProfileContext", "Sentence", "Summary"]
