from __future__ import annotations

import anyio
import pytest

from rag.errors import ConfigError, ModelError
from rag.protocols import Draft, Read
from rag.run.asking import Asking
from rag.run.budget import Ledger
from rag.run.manner import Manner
from rag.run.reading import Looked, Reading
from rag.run.tracing import Tracer
from rag.testing import FakeModel
from rag.types import Budget, Evidence, EvidenceItem, Passage

BRIDGE = Passage(
    doc_id="b", chunk_id="b#0", title="Tower Bridge", text="Tower Bridge opened in 1894. It is 240 metres long."
)
FOUND = Evidence(items=(EvidenceItem(passage=BRIDGE, step_id="s1"),))
BOTH = "It opened in 1894 [1]. Horace Jones designed it [1]."


def read(
    *replies: str | Exception, evidence: Evidence = FOUND, **manner: str | None
) -> tuple[Draft, FakeModel, list[str]]:
    tracer, model, shown = Tracer(), FakeModel(replies), list[str]()
    asking = Asking(model, Ledger(Budget()), tracer, attempts=1)
    reading = Reading(asking, tracer, on_token=shown.append, manner=Manner(**manner))
    return anyio.run(reading.read, Read("When did it open?", evidence), Looked(1)), model, shown


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("answer", "You answer"),
        ("short", "You answer"),
        ("long", "You write"),
        ("yes/no", "You decide"),
        ("claim", "You decide"),
    ],
)
def test_each_form_has_one_call_and_a_prompt_of_its_own(form: str, begins: str) -> None:
    draft, model, _ = read("1894 [1]", form=form)
    assert draft.text == "1894 [1]"
    assert len(model.calls) == 1
    assert model.calls[0].messages[0].content.startswith(begins)


def test_a_claim_is_decided() -> None:
    draft, model, _ = read("Refuted. It is 240 metres long [1].", form="claim")
    assert draft.verdict is not None
    assert draft.verdict.outcome == "refuted"
    assert "With the verdicts Supported, Refuted, Not enough:\nWhen did it open?" in model.calls[0].prompt
    assert read("It depends [1].", form="claim")[0].verdict is None


def test_words_check_each_sentence_without_a_call_more() -> None:
    draft, model, shown = read(BOTH)
    assert [citation.supported for citation in draft.citations] == [True, False]
    assert "Horace Jones designed it" in draft.notes[-1]
    assert (draft.text, "".join(shown), len(model.calls)) == (BOTH, BOTH, 1)


def test_a_model_checks_in_one_call_more() -> None:
    draft, model, _ = read(BOTH, '{"supported": [false, true]}', check="model")
    assert [citation.supported for citation in draft.citations] == [False, True]
    assert len(model.calls) == 2


@pytest.mark.parametrize("reply", ["no idea", ModelError("down")])
def test_words_check_where_the_model_did_not(reply: str | Exception) -> None:
    draft, _, _ = read(BOTH, reply, check="model")
    assert [citation.supported for citation in draft.citations] == [True, False]


def test_nothing_is_checked_where_nobody_wants_it() -> None:
    draft, _, _ = read(BOTH, check=None)
    assert [citation.supported for citation in draft.citations] == [None, None]


def test_what_is_dropped_was_never_shown() -> None:
    draft, _, shown = read(BOTH, unsupported="drop")
    assert draft.text == "It opened in 1894 [1]."
    assert shown == ["It opened in 1894 [1]."]


def test_a_contradiction_of_a_cited_passage_is_noted() -> None:
    other = BRIDGE.model_copy(update={"doc_id": "c", "chunk_id": "c#0", "text": "Tower Bridge opened in 1886."})
    both = FOUND.merged(Evidence(items=(EvidenceItem(passage=other, step_id="s1"),)))
    draft, _, _ = read("It opened in 1894 [1].", evidence=both)
    assert draft.notes == ("sources differ on Tower Bridge opened in …: 1894 (Tower Bridge); 1886 (Tower Bridge)",)


@pytest.mark.parametrize(
    "manner",
    [{"form": "sonnet"}, {"check": "luck"}, {"unsupported": "burn"}, {"check": None, "unsupported": "drop"}],
)
def test_a_manner_that_there_is_not_is_an_error(manner: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        Manner(**manner)


def test_a_model_is_told_where_the_passages_are_on_something_else() -> None:
    tracer, model = Tracer(), FakeModel(["The passages do not say.", "It opened in 1894 [1]."])
    reading = Reading(Asking(model, Ledger(Budget()), tracer, attempts=1), tracer)
    draft = anyio.run(reading.read, Read("Which firm did Oleg Fomenko found?", FOUND), Looked(1))
    assert "(No passage mentions Oleg Fomenko.)\nAnswer:" in model.calls[0].prompt
    assert "the sources say nothing of 'Oleg Fomenko'" in draft.notes
    anyio.run(reading.read, Read("When did the bridge open, as Acme says?", FOUND), Looked(1))
    assert "No passage mentions" not in model.calls[1].prompt
