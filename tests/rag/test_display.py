"""Answers as they show themselves in a notebook."""

from __future__ import annotations

import pytest

from rag.plan import Plan, Step
from rag.types import Answer, Citation, Passage, Usage

EVIL = "<script>alert(1)</script>"


def _citation(n, title="Returns", quote="within 30 days", supported=None):
    passage = Passage(doc_id="policies/returns.md", chunk_id="c", title=title, text="…", source="policies")
    return Citation(n=n, passage=passage, quote=quote, supported=supported)


def _page(**fields):
    return Answer(**{"text": "Yes [1].", **fields})._repr_mimebundle_()["text/html"]


def test_marks_carry_their_source_and_quote():
    page = _page(citations=(_citation(1),))
    assert "Returns (policies: policies/returns.md) — “within 30 days”" in page
    assert ">[1]</span>." in page


def test_a_mark_that_cites_nothing_stays_text():
    assert "Yes [1]." in _page()
    assert "Yes [1000]." in _page(text="Yes [1000].", citations=(_citation(1),))


def test_each_source_is_listed_once_with_what_a_check_found():
    page = _page(citations=(_citation(1, supported=True), _citation(2, supported=False), _citation(1)))
    assert page.count("<strong>Returns</strong>") == 2
    assert page.count("✓") == page.count("✗") == 1


@pytest.mark.parametrize("partial", [True, False])
def test_a_partial_answer_says_so_first(partial):
    assert ("something is missing" in _page(partial=partial)) is partial


def test_every_text_is_escaped():
    page = _page(
        text=EVIL,
        citations=(_citation(1, title=EVIL, quote=f'"{EVIL}'),),
        notes=(EVIL,),
        plan=Plan(question=EVIL, steps=(Step(id="s1", source=EVIL, args={"q": EVIL}),), notes=(EVIL,)),
    )
    assert "<script" not in page


def test_the_cost_is_told_and_estimates_are_called_so():
    page = _page(usage=Usage(model_calls=1, source_calls=2, prompt_tokens=1200, estimated=True, usd=0.01, seconds=2))
    assert "1 model call · 1,200 tokens (estimated) · 0.0100 USD · 2.00 s" in page
    assert "2 source calls" in page


def test_tokens_that_were_embedded_are_told_beside():
    assert "8 tokens embedded · 0.00000016 USD" in _page(usage=Usage(embedding_tokens=8, usd=1.6e-7))


def test_usage_prints_as_a_line():
    told = str(Usage(model_calls=2, source_calls=1, prompt_tokens=100, completion_tokens=20, seconds=1.5))
    assert told == "1 source call · 2 model calls · 120 tokens · 1.50 s"


def test_the_plain_form_stays():
    bundle = Answer(text="Yes [1].", citations=(_citation(1),))._repr_mimebundle_()
    assert bundle["text/plain"] == "Yes [1].\n\n[1] Returns (policies: policies/returns.md)"
