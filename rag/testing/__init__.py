"""For tests of what is built here: stand-ins, recordings of real models, and contracts that adapters are held to."""

from __future__ import annotations

from rag.evaluate.cassettes import Cassette
from rag.testing.fakes import FakeEmbedder, FakeModel, FakeSource

__all__ = ["Cassette", "FakeEmbedder", "FakeModel", "FakeSource"]
