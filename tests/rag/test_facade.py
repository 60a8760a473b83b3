"""The public surface is what is written here, and nothing else."""

import inspect

import rag

NAMES = [
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


def test_the_facade_exports_these_names():
    assert rag.__all__ == NAMES


def test_every_export_says_that_it_is_of_rag_and_what_it_is():
    for name in rag.__all__:
        exported = getattr(rag, name)
        assert exported.__module__ == "rag", name
        assert inspect.getdoc(exported), name


def test_errors_are_reached_from_the_facade():
    assert issubclass(rag.errors.PlanError, rag.errors.RagError)


def test_evaluate_is_the_function_and_its_room_is_imported_from():
    import rag.evaluate.results
    from rag.evaluate import evaluate
    from rag.evaluate.results import Report

    assert rag.evaluate is evaluate
    assert Report.load
