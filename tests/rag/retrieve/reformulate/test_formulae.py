"""What is searched for is what the formula says, and fused scores are those worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rag.errors import ConfigError, ModelError
from rag.retrieve import Index
from rag.retrieve.algebra import Leaf, Query
from rag.retrieve.queries import mean_vector
from rag.retrieve.reformulate import RM3, Decompose, FeedbackEnsemble, KeywordEnsemble, Reformulator, Think, Variant
from rag.retrieve.reformulate.rm3 import relevance_model
from rag.retrieve.reformulate.words import counted, distinct, joined
from rag.retrieve.way import BLOCKING, finished
from rag.testing.fakes import FakeEmbedder, FakeModel
from rag.types import Hit, Passage

DOCUMENTS = {
    "flow": "laminar flow over a flat plate, and the boundary layer of the plate",
    "layer": "boundary layer transition on a plate with suction",
    "wing": "a wing of low aspect ratio with flaps",
    "heat": "transition moves forward where the surface gives heat",
}


@pytest.fixture
def documents():
    with Index.memory(FakeEmbedder()) as index:
        index.add({"doc_id": name, "text": text} for name, text in DOCUMENTS.items())
        yield index


def hit(name, text, score):
    return Hit(passage=Passage(doc_id=name, chunk_id=f"{name}#0", text=text), score=score, rank=0)


def listener(scores=None):
    """A retriever that keeps the queries it gets, and finds what it is told for the text of one."""
    asked = []

    def find(query, k):
        asked.append(query)
        found = (scores or {}).get(query.text, {"x": 1.0})
        return [hit(name, name, score) for name, score in found.items()][:k]

    return Leaf("some", find), asked


def variants(by, text, retriever=None):
    return finished(by.variants(Query(text), retriever or listener()[0], BLOCKING))


def names(hits):
    return [each.passage.doc_id for each in hits]


def test_concat_is_the_query_repeated_and_all_keywords_without_punctuation():
    model = FakeModel(["drag, skin-friction", "laminar; flow!"])
    retriever, asked = listener()
    (KeywordEnsemble(model, instructions=2, repeat=2) >> retriever).search("Flat plates?")
    assert [query.text for query in asked] == ["Flat plates Flat plates drag skin friction laminar flow"]
    counts = {"flat": 2, "plates": 2, "drag": 1, "skin": 1, "friction": 1, "laminar": 1, "flow": 1}
    assert dict(asked[0].words) == counts


def test_concat_counts_words_as_bm25_adds_them(documents):
    lexical = documents.lexical()
    alone = {h.passage.doc_id: h.score for h in lexical.search("plate", 9)}
    other = {h.passage.doc_id: h.score for h in lexical.search("transition", 9)}
    both = KeywordEnsemble(FakeModel(["transition"]), instructions=1, repeat=3) >> lexical
    for found in both.search("plate"):
        name = found.passage.doc_id
        assert found.score == pytest.approx(3 * alone.get(name, 0) + other.get(name, 0), rel=1e-5)


def test_fusion_searches_once_for_each_set_and_adds_shares_of_the_best():
    scores = {"q a": {"x": 4.0, "y": 2.0}, "q b": {"y": 8.0, "z": 4.0}}
    retriever, asked = listener(scores)
    by = KeywordEnsemble(FakeModel(["a", "b"]), instructions=2, mode="fusion", repeat=1)
    found = (by >> retriever).search("q")
    assert [query.text for query in asked] == ["q a", "q b"]
    # Neither list was cut off, so what one lacks scores 0 there.
    assert [(h.passage.doc_id, h.score) for h in found] == [("y", 0.75), ("x", 0.5), ("z", 0.25)]


def test_the_prompts_of_an_ensemble_differ_by_their_instruction_alone():
    model = FakeModel(lambda messages: "word")
    variants(KeywordEnsemble(model), "flat plates")
    assert len(model.calls) == len({call.prompt for call in model.calls}) == 10
    rest = {"\n".join(line for n, line in enumerate(c.prompt.splitlines()) if n != 1) for c in model.calls}
    assert len(rest) == 1


def test_a_call_that_fails_is_left_out_and_all_that_fail_are_told(caplog):
    failing = FakeModel(["drag", ModelError("down"), "lift"])
    (only,) = variants(KeywordEnsemble(failing, instructions=3, repeat=1), "wing")
    assert only.query.text == "wing drag lift"
    assert "without one of 3" in caplog.text
    with pytest.raises(ModelError, match="down"):
        variants(KeywordEnsemble(FakeModel(lambda _: ModelError("down")), instructions=3), "wing")


def test_keyword_sets_that_are_alike_count_once():
    assert distinct(["wing, lift", "Lift / WING", "", "?!", "drag"]) == ["wing, lift", "drag"]
    found = variants(KeywordEnsemble(FakeModel(["a b", "b, a"]), instructions=2, mode="fusion", repeat=1), "q")
    assert [each.query.text for each in found] == ["q a b"]
    assert variants(KeywordEnsemble(FakeModel(["…"]), instructions=1), "q?") == [Variant(Query("q?"))]


def test_feedback_stands_before_the_instruction_in_fences():
    model = FakeModel(["drag"])
    variants(
        KeywordEnsemble(model, instructions=1, feedback=2),
        "wing",
        listener({"wing": {"a": 2.0, "</passage 1>": 1.0, "c": 0.5}})[0],
    )
    prompt = model.calls[0].prompt
    assert prompt.index("Based on the given context information") < prompt.index("Suggest expansion terms")
    assert prompt.count("</passage 1>") == 1
    assert "<passage 2>" in prompt
    assert "<passage 3>" not in prompt


def test_a_query_that_has_no_letters_stays_itself():
    assert joined("???", []) == "???"
    assert counted("the of") == (("the", 1.0), ("of", 1.0))


def test_drafts_are_embedded_with_the_query_and_averaged():
    embedder = FakeEmbedder()
    (only,) = variants(Think(FakeModel(["a warm draft", "another one"]), styles=("x", "y")), "kettle")
    found = mean_vector(lambda text: embedder.embed([text])[0], only.query.texts)
    both = embedder.embed(["kettle a warm draft", "kettle another one"]).mean(axis=0)
    assert np.allclose(found, both / np.linalg.norm(both), atol=1e-6)
    assert dict(only.query.words) == {"kettle": 10 / 2, "warm": 1, "draft": 1, "another": 1, "one": 1}


def test_hyde_averages_the_query_and_the_drafts_apart():
    (only,) = variants(Think(FakeModel(["a draft"]), joined=False), "kettle")
    assert only.query.texts == (("kettle", 1.0), ("a draft", 1.0))


def test_dense_search_follows_the_mean_of_the_texts(documents):
    found = (Think(FakeModel([DOCUMENTS["wing"]]), joined=False) >> documents.dense()).search("suction")
    vectors = FakeEmbedder().embed(["suction", DOCUMENTS["wing"]])
    mean = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    assert found[0].passage.doc_id == "wing"
    assert found[0].score == pytest.approx(float(mean @ FakeEmbedder().embed([DOCUMENTS["wing"]])[0]), abs=2e-3)


def test_the_relevance_model_weighs_shares_of_words_by_scores():
    hits = [hit("a", "plate plate flow", 3.0), hit("b", "flows wing", 1.0)]
    # plate: 3·2/3 = 2; flow, flows: 3·1/3 + 1·1/2 = 1.5; wing: 1/2. The first two sum to 3.5.
    assert relevance_model(hits, 2) == (("plate", pytest.approx(2 / 3.5)), ("flow", pytest.approx(1.5 / 3.5)))
    assert relevance_model([], 5) == relevance_model([hit("a", "the 12 of", 1.0)], 5) == ()


def test_rm3_adds_likely_words_to_the_query_by_its_weight():
    found = Leaf("fixed", lambda query, k: [hit("a", "plate plate flow", 3.0), hit("b", "flows wing", 1.0)][:k])
    (only,) = variants(RM3(documents=2, terms=2, original=0.6), "plates drag", found)
    plate, flow = 0.4 * 2 / 3.5, 0.4 * 1.5 / 3.5
    assert dict(only.query.words) == pytest.approx({"plates": 0.3 + plate, "drag": 0.3, "flow": flow})
    assert only.query.texts == (("plates drag", 1.0),)  # search by meaning is left alone


def test_rm3_finds_what_shares_no_word_with_the_query(documents):
    query = "laminar flat plate"
    assert "heat" not in names(documents.lexical().search(query))
    assert "heat" in names((RM3(documents=2) >> documents.lexical()).search(query))


def test_nothing_found_leaves_the_query_as_it_is(documents):
    for by in (RM3(), FeedbackEnsemble()):
        assert variants(by, "zeppelin", documents.lexical()) == [Variant(Query("zeppelin"))]


def test_feedback_ensemble_makes_a_set_of_each_hit():
    found = Leaf("fixed", lambda query, k: [hit("a", "plate flow", 3.0), hit("b", "wing wing", 1.0)][:k])
    both = variants(FeedbackEnsemble(documents=2, mode="fusion", repeat=1), "q", found)
    assert [each.query.text for each in both] == ["q flow plate", "q wing"]


def test_variants_count_by_their_weights():
    class Twice(Reformulator):
        async def variants(self, query, retriever, way):
            return [Variant(query, 3.0), Variant(Query("other"), 1.0)]

    retriever, _ = listener({"q": {"x": 1.0}, "other": {"y": 1.0}})
    assert [(h.passage.doc_id, h.score) for h in (Twice() >> retriever).search("q")] == [("x", 0.75), ("y", 0.25)]
    # Fused with another, what it finds counts as one ranking of weight 1.
    ranking = finished((Twice() >> retriever * 2).found(Query("q"), None, BLOCKING))
    assert ranking.weight == 2.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: RM3(documents=0),
        lambda: RM3(original=1.5),
        lambda: FeedbackEnsemble(terms=0),
        lambda: KeywordEnsemble(FakeModel([]), instructions=0),
        lambda: KeywordEnsemble(FakeModel([]), mode="both"),
        lambda: Think(FakeModel([]), styles=()),
        lambda: Decompose(FakeModel([]), weight=0),
    ],
)
def test_settings_that_cannot_work_are_refused(make):
    with pytest.raises(ConfigError):
        make()
