"""Evaluation: `tasks`, `measures`, runs and their `results`, and the `recording` of runs.

    import rag
    from rag.evaluate.recording import Recording

    report = rag.evaluate(assistant, "questions.jsonl", recording=Recording("run.jsonl", "record"))
    print(report)

In the façade, `rag.evaluate` is the function; the modules of this room are imported from as usual.
"""

from __future__ import annotations

from rag.evaluate.run import aevaluate, evaluate

__all__ = ["aevaluate", "evaluate"]
