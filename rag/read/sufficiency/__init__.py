"""Whether evidence is enough for a question: by the parts that it bears out, by a proof, or by a threshold.

`coverage` needs no model, `natlog` and `judged` make a proof of one structured call, `threshold` is the
baseline, and `conflicts` finds passages that contradict one another. None of them does any input or output.
"""

from __future__ import annotations

from rag.read.sufficiency.conflicts import conflicts
from rag.read.sufficiency.coverage import coverage
from rag.read.sufficiency.threshold import threshold

__all__ = ["conflicts", "coverage", "threshold"]
