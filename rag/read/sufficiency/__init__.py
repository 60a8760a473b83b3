"""Whether evidence is enough for a question: by the parts of it that are borne out, or by a threshold.

`coverage` needs no model and `threshold` an embedder. None of them does any input or output.
"""

from __future__ import annotations

from rag.read.sufficiency.coverage import coverage
from rag.read.sufficiency.threshold import threshold

__all__ = ["coverage", "threshold"]
