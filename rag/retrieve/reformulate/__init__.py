"""Reformulation: a query in other words, or in several, before it is searched for.

Each reformulator goes before any retriever, alone or after another one:

| written | what is searched for |
| --- | --- |
| `RM3() >> index.lexical()` | the query, expanded by words of what it finds |
| `Decompose(model) >> (index.lexical() + index.dense())` | the question and its parts, their hits fused |
| `Decompose(model) >> Think(model) >> index.dense()` | the parts, each with a draft of what would answer it |
| `(StepBack(model) >> index.dense()) * 0.5 + index.lexical()` | two expressions, fused |
"""

from rag.retrieve.reformulate.decompose import Decompose
from rag.retrieve.reformulate.ensemble import KeywordEnsemble
from rag.retrieve.reformulate.feedback import FeedbackEnsemble
from rag.retrieve.reformulate.fresh import Fresh
from rag.retrieve.reformulate.rm3 import RM3
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.stepback import StepBack
from rag.retrieve.reformulate.think import Think

__all__ = [
    "RM3",
    "Decompose",
    "FeedbackEnsemble",
    "Fresh",
    "KeywordEnsemble",
    "Reformulator",
    "StepBack",
    "Think",
    "Variant",
]
