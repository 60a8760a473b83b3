from __future__ import annotations

import anyio
import pytest

from rag.errors import ConfigError
from rag.protocols import Assess
from rag.run.assessing import Assessing
from rag.run.tracing import Tracer
from rag.types import Evidence, EvidenceItem, Passage

PASSAGE = Passage(doc_id="d", chunk_id="d#0", title="Alien", text="Alien was directed by Ridley Scott.", source="films")
FOUND = Evidence(items=(EvidenceItem(passage=PASSAGE, step_id="s1"),))


@pytest.mark.parametrize("by", ["coverage", "threshold"])
def test_evidence_is_checked_as_asked(by: str) -> None:
    tracer = Tracer()
    verdict = anyio.run(Assessing(tracer).assess, Assess("Who directed Alien?", FOUND, by))
    assert (verdict.outcome, verdict.by) == ("supported", by)
    (span,) = tracer.spans
    assert (span.kind, span.name, span.attributes["outcome"]) == ("assess", by, "supported")


def test_a_check_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no check of evidence named 'luck'"):
        anyio.run(Assessing(Tracer()).assess, Assess("Who?", FOUND, "luck"))
