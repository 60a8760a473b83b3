from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts import load
from rag.embed import default_embedder
from rag.protocols import Draft, Form
from rag.read.citations import cite
from rag.read.support import by_words, dropped, marked, request, sentences_of, told
from rag.types import Passage

BRIDGE = Passage(
    doc_id="b", chunk_id="b#0", title="Tower Bridge", text="The bridge opened in 1894. It is 240 metres long."
)
RULES = Passage(doc_id="r", chunk_id="r#0", title="Refunds", text="Parcels may be sent back for a month.")


def written(text: str) -> Draft:
    cited = cite(text, [BRIDGE, RULES])
    return Draft(cited.text, cited.citations, notes=cited.notes)


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("Tower Bridge opened in 1894 [1].", True),
        ("It is 240 metres long [1].", True),
        ("240 metres [1]", True),
        ("Tower Bridge opened in 1896 [1].", False),
        ("Tower Bridge was designed by Horace Jones [1].", False),
        ("It is 240 metres long [2].", False),
        ("It is 240 metres long, and parcels may be sent back for a month [1][2].", True),
        ("The passages do not say who designed it [1].", None),
    ],
)
def test_a_sentence_is_held_against_the_passages_it_cites(sentence: str, supported: bool | None) -> None:
    draft = written(sentence)
    assert by_words(draft) == [supported]
    assert {citation.supported for citation in marked(draft, by_words(draft)).citations} == {supported}


@pytest.mark.parametrize("form", ["yes/no", "claim"])
@pytest.mark.parametrize("text", ["Supported. The sky is blue [1].", "Yes. The sky is blue [1].", "Yes."])
def test_a_decision_that_nothing_is_left_to_bear_out_is_dropped_too(text: str, form: Form) -> None:
    draft = written(text)
    found = dropped(draft, by_words(draft), form)
    assert (found.text, found.citations) == ("Not enough.", ())
    assert (found.verdict.outcome if found.verdict else None) == ("not enough" if form == "claim" else None)


def test_a_decision_that_a_passage_bears_out_stays() -> None:
    draft = written("Yes. It opened in 1894 [1]. The sky is blue [1].")
    assert dropped(draft, by_words(draft), "yes/no").text == "Yes. It opened in 1894 [1]."


@pytest.mark.parametrize(
    ("sentence", "supported"),
    [
        ("Alien was directed by Ridley Scott [1].", True),
        ("Alien was not directed by Ridley Scott [1].", False),
        ("Alien never had the director Ridley Scott [1].", False),
        ("Ridley Scott was directed by Alien [1].", False),
        ("Herons eat fish [1].", True),
        ("Herons do not eat fish [1].", False),
        ("The hide isn't open on Mondays [1].", True),
        ("The hide is open on Mondays [1].", False),
    ],
)
def test_a_denial_and_a_reversal_are_not_borne_out(sentence: str, supported: bool) -> None:
    text = "Alien was directed by Ridley Scott in 1979. Herons eat fish. The hide is not open on Mondays."
    cited = cite(sentence, [Passage(doc_id="a", chunk_id="a#0", text=text)])
    draft = Draft(cited.text, cited.citations)
    assert by_words(draft, default_embedder()) == [supported]


def test_the_meaning_tells_where_words_do_not() -> None:
    close = written("Parcels may be returned within a month [2].")
    assert (by_words(close), by_words(close, default_embedder())) == ([False], [True])
    other = written("Horses may be fed within a month [2].")
    assert by_words(other, default_embedder()) == [False]


def test_sentences_that_do_not_hold_are_named_and_kept() -> None:
    draft = written("It opened in 1894 [1]. Horace Jones designed it [1].")
    found = marked(draft, by_words(draft))
    assert found.text == draft.text
    assert [citation.supported for citation in found.citations] == [True, False]
    assert found.notes[-1] == "the passages cited do not bear out: 'Horace Jones designed it'"


def test_dropping_takes_them_out_with_what_cites_nothing_and_numbers_the_rest_anew() -> None:
    draft = written(
        "Horace Jones designed it [1]. Pigeons love its towers.\n- Parcels may be sent back for a month [2]."
    )
    found = dropped(draft, by_words(draft))
    assert found.text == "- Parcels may be sent back for a month [1]."
    (citation,) = found.citations
    assert (citation.passage, found.text[citation.start : citation.end], citation.supported) == (RULES, "[1]", True)
    assert "Horace Jones designed it" in found.notes[-1]
    assert "Pigeons" in found.notes[-1]


def test_when_nothing_holds_nothing_was_found() -> None:
    draft = written("Horace Jones designed it [1].")
    found = dropped(draft, by_words(draft))
    assert (found.text, found.citations) == ("I found nothing in the sources on this.", ())


def test_what_holds_is_left_as_it_is() -> None:
    draft = written("It opened in 1894 [1]. The passages do not say who designed it.")
    assert dropped(draft, by_words(draft)).text == draft.text


def test_a_model_is_asked_once_for_each_sentence_that_cites() -> None:
    draft = written("It opened in 1894 [1]. Is it long? It is 240 metres long [1].")
    wanted = request(draft)
    assert wanted is not None
    assert wanted.values["sentences"].splitlines() == [
        "1. It opened in 1894 . (passage 1)",
        "2. It is 240 metres long . (passage 1)",
    ]
    assert told('{"supported": [true, false]}', draft) == [True, None, False]
    (_, _), (role, user) = load(wanted.prompt).render(wanted.values)
    assert (role, user.count("<passage 1>")) == ("user", 1)


def test_nothing_is_asked_where_nothing_is_cited() -> None:
    assert request(Draft("The passages do not say.")) is None


@pytest.mark.parametrize("reply", ["", "yes", '{"supported": [true]}', '{"supported": "all"}'])
def test_a_reply_that_does_not_tell_of_each_sentence_tells_nothing(reply: str) -> None:
    assert told(reply, written("It opened in 1894 [1]. It is long [1].")) is None


@given(
    st.lists(
        st.sampled_from(["It opened in 1894 [1].", "Horace did it [2].", "\n\n- x [1][2]", "Free!", "```[1]```", "[1]"])
    )
)
def test_any_text_is_checked_and_its_citations_stay_in_place(pieces: list[str]) -> None:
    draft = written(" ".join(pieces))
    verdicts = by_words(draft)
    assert len(verdicts) == len(sentences_of(draft))
    for found in (marked(draft, verdicts), dropped(draft, verdicts)):
        assert all(found.text[each.start : each.end] == f"[{each.n}]" for each in found.citations)
    assert json.dumps([each.text for each in sentences_of(draft)])
