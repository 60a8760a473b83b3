from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.extractive import extract
from rag.types import Evidence, EvidenceItem, Passage

RETURNS = "# Returns\nWe pack in Ghent. You can return most things within 30 days of delivery.\nAsk for a label first."
SHIPPING = "# Shipping\n- Zone 1: 3.90 EUR\n- Zone 2: 6.90 EUR\n\nExpress delivery costs 9.50 EUR!"
KETTLE = "It is pretty.\n\n| | |\n|---|---|\n| Weight | 900 g |\n| Warranty | 2 years |"
REVIEW = "The lid is stiff. The battery lasts 38 hours."


def page(
    doc_id: str, text: str, title: str = "", *, source: str = "docs", query: str = "", **metadata: Any
) -> EvidenceItem:
    passage = Passage(doc_id=doc_id, chunk_id=f"{doc_id}#0", title=title, text=text, source=source, metadata=metadata)
    return EvidenceItem(passage=passage, step_id=source, query=query)


def row(key: str, **fields: Any) -> EvidenceItem:
    text = "\n".join(f"{name}: {value}" for name, value in fields.items())
    passage = Passage(doc_id=f"orders/{key}", chunk_id=f"orders/{key}#0", text=text, source="shop")
    return EvidenceItem(
        passage=passage, step_id="s1", query=f"order_id: {key}", fields={"doc_id": f"orders/{key}", **fields}
    )


def answer(question: str, *items: EvidenceItem, **options: Any) -> str:
    return extract(question, Evidence(items=items), **options).text


def test_the_statement_with_the_questions_words_and_kind_is_the_answer() -> None:
    items = (page("s", SHIPPING, "Shipping"), page("r", RETURNS, "Returns"))
    assert answer("Within how many days can I return things?", *items).startswith(
        "You can return most things within 30 days of delivery [1]."
    )


def test_a_full_stop_stands_after_the_citation_and_other_marks_are_kept() -> None:
    assert answer("What does express delivery cost?", page("s", SHIPPING)) == "Express delivery costs 9.50 EUR [1]!"


def test_a_row_of_a_table_reads_as_a_sentence_with_its_subject_before_it() -> None:
    found = extract("What weight has the Ember Kettle?", Evidence(items=(page("k", KETTLE, "Ember Kettle"),)))
    assert found.text == "Ember Kettle: Weight: 900 g [1]."
    assert found.citations[0].quote == "| Weight | 900 g |"


def test_a_review_is_about_the_product_that_the_question_names() -> None:
    review = page("v", REVIEW, "A week of use", product="Aria Studio Headphones", code="P-1")
    asked = "What do buyers say of the battery of the Aria Studio Headphones?"
    assert answer(asked, review) == "Aria Studio Headphones: The battery lasts 38 hours [1]."


def leaflet(drug: str, dose: str, effects: str) -> EvidenceItem:
    return page(drug, f"# {drug}\n## Dose\n{dose}\n## Side effects\n{effects}", drug)


LEAFLETS = (
    leaflet("Ibuprofen", "Adults take 200 to 400 mg every six hours.", "Common side effects are heartburn and nausea."),
    leaflet("Metformin", "Start with 500 mg a day.", "In the first weeks a stomach ache is common."),
)


def test_of_documents_alike_each_statement_says_whose_it_is() -> None:
    assert answer("What is the dose that adults take?", *LEAFLETS) == (
        "Ibuprofen: Adults take 200 to 400 mg every six hours [1]."
    )
    assert answer("Which one has heartburn as a side effect?", *LEAFLETS).startswith("Ibuprofen: Common side effects")


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        ("What is the dose of paracetamol?", "paracetamol"),
        ("What are aspirin's side effects?", "aspirin"),
        ("What dose should adults take, and what side effects are common for Naproxen users?", "Naproxen users"),
        ("Which side effects are common with Naproxen?", "Naproxen"),
    ],
)
def test_what_documents_say_of_other_things_is_no_answer(question: str, thing: str) -> None:
    from rag.embed import default_embedder

    found = extract(question, Evidence(items=LEAFLETS), embedder=default_embedder())
    assert "Common side effects" not in found.text
    assert found.notes == (f"the sources say nothing of {thing!r}",)
    assert "Common side effects" not in answer(question, *LEAFLETS)


def test_another_word_for_a_thing_is_not_refused() -> None:
    from rag.embed import default_embedder

    tea = page("t", "Green tea is steeped at 75 degrees.", "Teas")
    returns = page("r", "You can return most things within 30 days.", "Returns")
    assert "75 degrees" in answer("How hot is green tea steeped?", tea, returns)
    asked = "how many days do I have to send something back"
    assert "within 30 days" in answer(asked, tea, returns, embedder=default_embedder())
    heron, aria = (page(n, f"## Weight\nIt weighs {n} g.", f"{n} Headphones") for n in ("Heron", "Aria"))
    assert "weighs" in answer("What is the weight of the headset?", heron, aria, embedder=default_embedder())


def test_a_thing_that_is_known_is_answered_whatever_else_is_asked() -> None:
    asked = "What dose of ibuprofen do adults take for a headache?"
    assert "200 to 400 mg" in answer(asked, *LEAFLETS)


def test_titles_that_the_question_does_not_name_stand_before_statements_side_by_side() -> None:
    items = (page("a", "Dogs are welcome.", "Shop rules"), page("b", "Big dogs are welcome.", "Cafe rules"))
    assert answer("Are dogs welcome?", *items) == (
        "Shop rules: Dogs are welcome [1]. Cafe rules: Big dogs are welcome [2]."
    )


def test_another_model_of_the_named_product_is_no_answer() -> None:
    small, large = (
        page("a", "Weight: 720 g.", "Harbour 18 L Backpack"),
        page("b", "Weight: 1 kg.", "Harbour 25 L Backpack"),
    )
    asked = "What is the weight of the Harbour 25 L Backpack?"
    assert answer(asked, small, large) == "Harbour 25 L Backpack: Weight: 1 kg [1]."


def test_each_part_of_a_question_gets_its_own_statement() -> None:
    items = (page("s", SHIPPING, "Shipping"), page("r", RETURNS, "Returns"))
    text = answer("What does express delivery cost, and within how many days can I return things?", *items)
    assert "9.50 EUR [1]!\n" in text
    assert "30 days of delivery [2]." in text


def test_a_steps_query_is_asked_of_all_that_its_source_brought() -> None:
    # The page that both steps found is evidence of the first alone.
    both = "Express delivery costs 9.50 EUR. A gift card is valid for three years."
    first = page("p", both, query="what does express delivery cost")
    second = page("q", "Dogs are welcome.", query="for how long is a gift card valid")
    assert "A gift card is valid for three years [1]." in answer("Tell me the two things.", first, second)


def test_a_question_in_the_text_is_the_heading_of_its_answer() -> None:
    faq = "Do you repair kettles?\nYes, for 12 EUR.\n\nDo you sell tea?\nNo, never."
    assert answer("Do you repair kettles?", page("f", faq)).startswith("Yes, for 12 EUR [1].")


def test_a_row_is_a_sentence_with_what_is_asked_for_first() -> None:
    found = row(
        "O-7", order_id="O-7", customer_id="C-1", item="lamp", price=20.0, paid=True, ordered_on="2026-11-02", note=None
    )
    assert answer("When was it ordered on, and is it paid?", found) == (
        "Order O-7: paid yes, ordered on 2026-11-02, item lamp, price 20, customer id C-1 [1]."
    )


def test_several_rows_are_a_list_with_their_count_and_the_likeliest_first() -> None:
    rows = [row(f"O-{n}", order_id=f"O-{n}", status="returned" if n == 2 else "sent") for n in range(1, 4)]
    assert answer("Which order was returned?", *rows) == (
        "3 orders:\n- Order O-2: status returned [1].\n- Order O-1: status sent [2].\n- Order O-3: status sent [3]."
    )


def test_a_long_list_says_how_many_rows_it_shows() -> None:
    rows = [row(f"O-{n}", order_id=f"O-{n}") for n in range(12)]
    text = answer("Which orders are there?", *rows)
    assert text.startswith("12 orders, of which 10 are shown:\n")
    assert text.count("\n- ") == 10


def test_a_row_is_called_by_its_table_where_its_key_names_nothing() -> None:
    room = page("rooms/A-101", "…").model_copy(update={"fields": {"doc_id": "rooms/A-101", "code": "A-101", "beds": 2}})
    assert answer("How many beds?", room) == "Room A-101: beds 2 [1]."
    room = room.model_copy(update={"fields": {"doc_id": "rooms/A-101", "hall": "A", "number": 101}})
    assert answer("Which hall?", room) == "Room: hall A, number 101 [1]."


def counts(*totals: int) -> list[EvidenceItem]:
    passages = [Passage(doc_id=f"count/{n}", chunk_id=f"count/{n}#0", text="…", source="count") for n in totals]
    return [EvidenceItem(passage=p, step_id="s1", fields={"total": n}) for p, n in zip(passages, totals, strict=True)]


def test_a_row_without_a_key_is_called_by_its_source_once() -> None:
    assert answer("How many?", *counts(5)) == "Count: total 5 [1]."
    assert answer("How many?", *counts(5, 6)) == "2 rows from count:\n- total 5 [1].\n- total 6 [2]."


def test_a_row_with_a_long_text_is_read_as_a_text() -> None:
    body = "It arrived on a rainy day and made us happy. " * 5 + "The battery lasts 38 hours."
    found = EvidenceItem(
        passage=Passage(doc_id="r/1", chunk_id="r/1#0", text=f"id: 1\nbody: {body}", source="r"),
        step_id="s1",
        fields={"id": 1, "body": body},
    )
    assert answer("How long does the battery last?", found) == "The battery lasts 38 hours [1]."


@pytest.mark.parametrize(
    ("question", "note"),
    [
        (
            "Who won the football world cup in 1998?",
            "no passage was found for 'Who won the football world cup in 1998?'",
        ),
        ("What is the capital of Mongolia?", "the sources say nothing of 'Mongolia'"),
        ("??", "no passage was found for '??'"),
    ],
)
def test_what_is_not_in_the_evidence_is_not_answered(question: str, note: str) -> None:
    found = extract(question, Evidence(items=(page("r", RETURNS), page("k", KETTLE), page("s", SHIPPING))))
    assert (found.text, found.citations) == ("I found nothing in the sources on this.", ())
    assert found.notes == (note,)


def test_no_evidence_is_nothing_found() -> None:
    assert answer("Why?") == "I found nothing in the sources on this."


def test_an_answer_has_no_more_statements_than_asked_for() -> None:
    text = " ".join(f"The battery of model {n} lasts {n} hours." for n in range(9))
    found = extract("How long does the battery last?", Evidence(items=(page("b", text),)), form="short")
    assert len(found.citations) == 1


def test_by_meaning_a_statement_is_found_that_shares_no_word() -> None:
    from rag.embed import default_embedder

    items = (page("r", "Parcels may be sent back for a month.", "Refunds"), page("s", "We pack in Ghent.", "Shipping"))
    question = "Can I return my purchase?"
    assert "a month" not in answer(question, *items)
    assert answer(question, *items, embedder=default_embedder()).startswith("Parcels may be sent back for a month [1].")
    broken = page("b", "Broken \ud800 parcels may be sent back.")
    assert "[1]" in answer("Can broken parcels be sent back?", broken, embedder=default_embedder())


WORDS = st.lists(
    st.sampled_from(
        ["battery", "lasts", "38 hours", ".", "?", "\n", "\n\n", "# T", "| a | b |", "- ", "[1]", "```", "\ud800"]
    ),
    max_size=20,
).map(" ".join)
ITEMS = st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4)


@given(WORDS, ITEMS)
def test_any_evidence_gives_verbatim_quotes_and_right_spans(question: str, drawn: list[tuple[str, str, str]]) -> None:
    items = tuple(page(str(n), text, title, query=query) for n, (text, title, query) in enumerate(drawn))
    found = extract(question, Evidence(items=items))
    for citation in found.citations:
        assert found.text[citation.start : citation.end] == f"[{citation.n}]"
        assert citation.quote in citation.passage.text
    assert {c.n for c in found.citations} == set(range(1, max((c.n for c in found.citations), default=0) + 1))


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [("Express delivery costs 9.50 EUR.", "supported"), ("Express delivery costs 9.50 EUR in Rome.", "not enough")],
)
def test_a_claim_gets_a_verdict_before_what_bears_on_it(claim: str, outcome: str) -> None:
    found = extract(claim, Evidence(items=(page("s", SHIPPING, "Shipping"),)), form="claim")
    assert found.verdict is not None
    assert found.verdict.outcome == outcome
    assert found.text.startswith(f"{outcome.capitalize()}. Express delivery costs 9.50 EUR [1]")
    assert found.text[found.citations[0].start : found.citations[0].end] == "[1]"


def test_a_name_that_nobody_knows_is_told_beside_what_is_known() -> None:
    found = extract(
        "Within how many days can I return things to Acme?", Evidence(items=(page("r", RETURNS, "Returns"),))
    )
    assert found.text == "You can return most things within 30 days of delivery [1]."
    assert found.notes == ("the sources say nothing of 'Acme'",)


def test_nothing_is_answered_where_the_name_and_most_else_is_unknown() -> None:
    found = extract("Which firm did Oleg Fomenko found within days?", Evidence(items=(page("r", RETURNS, "Returns"),)))
    assert (found.text, found.citations) == ("I found nothing in the sources on this.", ())
    assert found.notes == ("the sources say nothing of 'Oleg Fomenko'",)
