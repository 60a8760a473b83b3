from __future__ import annotations

from rag.embed import default_embedder
from rag.read.sufficiency import threshold
from rag.types import Evidence, EvidenceItem, Passage


def found(*texts: str) -> Evidence:
    passages = [Passage(doc_id=f"d{n}", chunk_id=f"d{n}#0", text=text, source="s") for n, text in enumerate(texts)]
    return Evidence(items=tuple(EvidenceItem(passage=each, step_id="s1") for each in passages))


def test_one_passage_near_the_question_is_enough() -> None:
    verdict = threshold(
        "Who directed the film Alien?",
        found("Bread is baked.", "Alien was directed by Ridley Scott."),
        default_embedder(),
    )
    assert verdict.enough
    assert verdict.parts[0].evidence == (("s", "d1#0"),)


def test_without_one_it_is_not_enough() -> None:
    assert not threshold("Who directed the film Alien?", found("Bread is baked."), default_embedder()).enough
    assert threshold("Who directed it?", Evidence(), default_embedder()).missing == ("Who directed it?",)
