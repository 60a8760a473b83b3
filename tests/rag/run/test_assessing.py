from __future__ import annotations

import anyio
import pytest

from rag.errors import ConfigError, ModelError
from rag.protocols import Assess
from rag.run.asking import Asking
from rag.run.assessing import Assessing
from rag.run.budget import Ledger
from rag.run.tracing import Tracer
from rag.testing import FakeModel
from rag.types import Budget, Evidence, EvidenceItem, Passage
from rag.verdict import Verdict

PASSAGE = Passage(doc_id="d", chunk_id="d#0", title="Alien", text="Alien was directed by Ridley Scott.", source="films")
FOUND = Evidence(items=(EvidenceItem(passage=PASSAGE, step_id="s1"),))


@pytest.mark.parametrize("by", ["coverage", "threshold"])
def test_evidence_is_checked_as_asked(by: str) -> None:
    tracer = Tracer()
    verdict = anyio.run(Assessing(None, tracer).assess, Assess("Who directed Alien?", FOUND, by))
    assert (verdict.outcome, verdict.by) == ("supported", by)
    (span,) = tracer.spans
    assert (span.kind, span.name, span.attributes["outcome"]) == ("assess", by, "supported")


def test_a_check_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no check of evidence named 'luck'"):
        anyio.run(Assessing(None, Tracer()).assess, Assess("Who?", FOUND, "luck"))


PROOF = '{"parts": [{"span": "Who directed Alien", "passage": 1, "relation": "more"}], "conflicts": []}'


def assessed(*replies: str | Exception, budget: Budget | None = None) -> tuple[Verdict, Tracer, FakeModel]:
    tracer, model = Tracer(), FakeModel(replies)
    asking = Asking(model, Ledger(budget or Budget()), tracer, attempts=1)
    return anyio.run(Assessing(asking, tracer).assess, Assess("Who directed Alien?", FOUND, "natlog")), tracer, model


def test_a_model_proves_in_one_structured_call() -> None:
    verdict, tracer, model = assessed(PROOF)
    assert (verdict.outcome, verdict.by, len(model.calls)) == ("supported", "natlog", 1)
    assert model.calls[0].schema
    assert [span.kind for span in tracer.spans] == ["assess", "model"]


@pytest.mark.parametrize("reply", ["I cannot.", '{"parts": []}', ModelError("down")])
def test_without_a_proof_the_words_are_compared(reply: str | Exception) -> None:
    verdict, tracer, _ = assessed(reply)
    assert (verdict.outcome, verdict.by) == ("supported", "coverage")
    assert tracer.spans[0].attributes["fallback"]


def test_a_budget_without_a_call_left_leaves_the_words() -> None:
    verdict, _, model = assessed(PROOF, budget=Budget(model_calls=0))
    assert (verdict.by, model.calls) == ("coverage", [])


def test_no_model_is_asked_about_no_evidence() -> None:
    verdict = anyio.run(Assessing(None, Tracer()).assess, Assess("Who directed Alien?", Evidence(), "natlog"))
    assert (verdict.outcome, verdict.by) == ("not enough", "coverage")


def test_contradictions_are_in_the_verdict() -> None:
    other = PASSAGE.model_copy(update={"doc_id": "e", "chunk_id": "e#0", "text": "Alien was directed by Ann Lee."})
    both = FOUND.merged(Evidence(items=(EvidenceItem(passage=other, step_id="s1"),)))
    verdict = anyio.run(Assessing(None, Tracer()).assess, Assess("Who directed Alien?", both))
    assert [side.value for side in verdict.conflicts[0].sides] == ["Ridley Scott", "Ann Lee"]
