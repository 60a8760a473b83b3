"""Answers from many sources: plan, run, read, cite, remember.

    import rag

    index = rag.Index.open("./index")
    index.add(rag.load("docs/"))
    assistant = rag.Assistant(sources=[index.source("docs"), rag.sql("orders", "sqlite:///shop.db")])
    print(assistant.ask("…"))

Importing this loads none of the heavy libraries; they are imported by what uses them.
"""

from rag import errors as errors
from rag.assistant import Assistant, aask, ask
from rag.evaluate import evaluate
from rag.ingest import Document, load
from rag.memory import Memory, Recall
from rag.models import model
from rag.plan import Plan, Ref, Step, text
from rag.retrieve import Index, rerank
from rag.sources.function import source
from rag.sources.sql import sql
from rag.types import Answer, Budget, Citation, Event, Evidence, Hit, Passage, Scope, Turn, Usage

__all__ = [
    "Answer",
    "Assistant",
    "Budget",
    "Citation",
    "Document",
    "Event",
    "Evidence",
    "Hit",
    "Index",
    "Memory",
    "Passage",
    "Plan",
    "Recall",
    "Ref",
    "Scope",
    "Step",
    "Turn",
    "Usage",
    "aask",
    "ask",
    "evaluate",
    "load",
    "model",
    "rerank",
    "source",
    "sql",
    "text",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
