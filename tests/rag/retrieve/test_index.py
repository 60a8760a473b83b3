"""Documents in, hits out: what is stored, what is found, what costs nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from rag.errors import DimensionMismatch, IndexNotFound, InputError, RetrievalError
from rag.ingest import Document
from rag.retrieve import Added, Index, dense
from rag.testing.fakes import FakeEmbedder
from rag.types import Hit

KETTLE = {"doc_id": "shop/kettle", "title": "Kettle", "text": "A red kettle that whistles.", "metadata": {"price": 30}}
LAMP = {"doc_id": "shop/lamp", "title": "Lamp", "text": "A lamp for the desk."}
LONG = "\n\n".join(f"Paragraph {n} tells of subject{n}. " + "It goes on and on. " * 20 for n in range(12))


class Counting(FakeEmbedder):
    """Keeps the texts that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def embed(self, texts):
        self.texts += texts
        return super().embed(texts)


@pytest.fixture
def embedder():
    return Counting()


@pytest.fixture
def counted(embedder):
    with Index.memory(embedder) as index:
        yield index


def found(index, query, **options):
    return [hit.passage.doc_id for hit in index.search(query, **options)]


def test_a_hit_tells_where_it_is_from(index):
    index.add([KETTLE, LAMP])
    (hit, *_) = index.search("red kettle")
    passage = hit.passage
    assert (passage.doc_id, passage.chunk_id, passage.title) == ("shop/kettle", "shop/kettle#0", "Kettle")
    assert (passage.text, passage.span, passage.metadata) == (KETTLE["text"], (0, 27), {"price": 30})
    assert (hit.rank, hit.score) == (0, pytest.approx(1.0))


def test_spans_are_places_in_the_text(index):
    index.add([{"doc_id": "long", "text": LONG}])
    hits = index.search("subject7", k=20)
    assert len(hits) > 1
    assert all(LONG[slice(*hit.passage.span)] == hit.passage.text for hit in hits)
    assert "subject7" in hits[0].passage.text


def test_what_is_stored_outlives_the_process(index, folder):
    index.add([KETTLE, LAMP])
    index.close()
    with Index.open(folder, embedder=FakeEmbedder(), create=False) as again:
        assert found(again, "kettle")[0] == "shop/kettle"


def test_add_tells_new_changed_and_unchanged_apart(index):
    assert index.add([KETTLE, LAMP]) == Added(added=2)
    assert index.add([KETTLE, {**LAMP, "text": "A lamp for the wall."}]) == Added(updated=1, unchanged=1)
    assert len(index) == 2
    assert "wall" in index.search("lamp")[0].passage.text


@pytest.mark.parametrize("change", [{"title": "Pot"}, {"text": "A pot."}, {"metadata": {"price": 31}}])
def test_title_text_and_metadata_make_a_change(index, change):
    index.add([KETTLE])
    assert index.add([{**KETTLE, **change}]) == Added(updated=1)


def test_what_is_unchanged_is_not_embedded(counted, embedder):
    counted.add([KETTLE, LAMP])
    embedder.texts.clear()
    counted.add([KETTLE, LAMP])
    assert embedder.texts == []


def test_of_a_changed_document_only_the_changed_chunks_are_embedded(counted, embedder):
    counted.add([{"doc_id": "long", "text": LONG}])
    chunks = len(embedder.texts)
    embedder.texts.clear()
    counted.add([{"doc_id": "long", "text": LONG.replace("subject11", "another")}])
    assert chunks > 3
    assert len(embedder.texts) == 1


def test_a_generator_is_not_collected(index):
    taken = count()
    many = ({"doc_id": f"d{next(taken)}", "text": "a text"} for _ in range(200))
    seen = []
    index.add(many, progress=lambda done: seen.append((done, next(taken) - len(seen))))
    assert seen == [(64, 64), (128, 128), (192, 192), (200, 200)]


def test_an_embedder_that_fails_leaves_earlier_batches(folder):
    class Failing(FakeEmbedder):
        def embed(self, texts):
            if any("99" in text for text in texts):
                raise OSError("no more")
            return super().embed(texts)

    with Index.open(folder, embedder=Failing()) as index:
        with pytest.raises(OSError, match="no more"):
            index.add({"doc_id": f"d{n}", "text": f"text {n}"} for n in range(100))
        assert len(index) == 64


def test_the_last_of_several_documents_with_one_id_stays(index):
    index.add([KETTLE, {**KETTLE, "text": "Another kettle."}])
    assert len(index) == 1
    assert index.search("kettle")[0].passage.text == "Another kettle."


def test_a_document_without_text_is_skipped_and_its_older_version_removed(index):
    index.add([KETTLE])
    assert index.add([{**KETTLE, "text": " \n"}, LAMP]) == Added(added=1, skipped=("shop/kettle",))
    assert index.doc_ids() == ["shop/lamp"]


def test_remove_takes_a_document_out_of_both_halves(index):
    index.add([KETTLE, LAMP])
    assert index.remove(["shop/kettle", "shop/unknown"]) == 1
    assert [h.passage.doc_id for h in index.lexical().search("kettle lamp")] == ["shop/lamp"]
    assert [h.passage.doc_id for h in index.dense().search("kettle lamp")] == ["shop/lamp"]


def test_one_id_is_one_document(index):
    index.add([{"doc_id": "ab", "text": "a text"}, {"doc_id": "a", "text": "a text"}])
    assert index.remove("ab") == 1
    assert index.doc_ids() == ["a"]


def test_many_threads_may_add_and_search_at_once(index, monkeypatch):
    monkeypatch.setattr(dense, "EXACT", 20)

    def work(name):
        index.add([{"doc_id": f"{name}/{n}", "text": f"word{n} common {name}"} for n in range(30)])
        return [len(index.search("common", 500, collection=name)) for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, "abcdefgh")) == [[30, 30, 30]] * 8
    assert len(index.dense().search("common", 500)) == len(index) == 240


def test_what_is_not_a_document_is_named(index):
    with pytest.raises(InputError, match=r"document 'x' cannot be indexed: text"):
        index.add([Document(doc_id="fine", text="A text."), {"doc_id": "x"}])


@pytest.mark.parametrize("query", ["", "  \n", '"', "* AND (", "NEAR(a b)", "title:x", "\x00", "\ud800", "'; --", "_"])
def test_no_query_is_too_strange(index, query):
    index.add([KETTLE])
    assert len(index.search(query)) <= 1


def test_an_empty_query_finds_nothing(index):
    index.add([KETTLE])
    assert index.search(" ") == []


def test_an_overlong_query_is_answered(index):
    index.add([KETTLE, LAMP])
    assert found(index, "kettle " + " ".join(f"w{n}" for n in range(20_000)))[0] == "shop/kettle"


def test_k_bounds_the_hits(index):
    index.add({"doc_id": f"d{n}", "text": f"text {n}"} for n in range(250))
    assert [len(index.search("text", k=k)) for k in (1, 10, 150, 500)] == [1, 10, 150, 250]
    with pytest.raises(InputError, match="k is 0"):
        index.search("text", k=0)


def test_an_empty_index_finds_nothing(index):
    assert index.search("anything") == []
    assert (len(index), index.collections(), index.doc_ids()) == (0, [], [])


def test_ties_are_broken_by_document(index):
    index.add({"doc_id": name, "text": "the same text"} for name in ("c", "a", "b"))
    assert found(index, "same") == ["a", "b", "c"]


def test_there_is_no_index_where_none_was_made(folder):
    with pytest.raises(IndexNotFound, match="rag index"):
        Index.open(folder, create=False)
    assert not folder.exists()


def test_an_index_keeps_to_its_embedder(index, folder):
    index.add([KETTLE])
    with pytest.raises(DimensionMismatch, match="holds vectors of fake-64, and was opened with fake-32"):
        Index.open(folder, embedder=FakeEmbedder(32))


def test_the_default_embedder_is_checked_on_use(index, folder):
    index.add([KETTLE])
    with Index.open(folder) as other:
        assert other.lexical().search("kettle")
        with pytest.raises(DimensionMismatch):
            other.search("kettle")


def test_vectors_of_the_wrong_shape_are_refused():
    class Wrong(FakeEmbedder):
        def embed(self, texts):
            return super().embed(texts)[:, :3]

    with pytest.raises(DimensionMismatch, match=r"shape \(1, 3\)"):
        Index.memory(Wrong()).add([KETTLE])


def test_an_embedder_that_changed_under_its_name_is_told(folder):
    class Changed(FakeEmbedder):
        def __init__(self, dimensions):
            super().__init__(dimensions)
            self.name = "model"

    with Index.open(folder, embedder=Changed(64)) as index:
        index.add([KETTLE])
    with Index.open(folder, embedder=Changed(32)) as index, pytest.raises(DimensionMismatch, match="under its name"):
        index.search("kettle")


def test_an_index_of_another_embedder_can_be_cleared(index, folder):
    index.add([KETTLE])
    index.close()
    with Index.open(folder) as other:
        with pytest.raises(DimensionMismatch):
            other.add([LAMP])
        assert other.remove(["shop/kettle"]) == 1


def test_a_closed_index_says_so(index):
    index.close()
    index.close()
    with pytest.raises(RetrievalError, match="has been closed"):
        index.search("kettle")


@pytest.mark.parametrize("make", [lambda path: path.write_text("not a folder"), lambda path: None])
def test_what_is_no_index_is_named(folder, make):
    folder.parent.mkdir(exist_ok=True)
    if make(folder) is None:
        folder.mkdir()
        (folder / "catalogue.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(RetrievalError, match=str(folder)):
        Index.open(folder)


def test_another_format_is_refused(index, folder):
    index._catalogue.rows("PRAGMA user_version = 99")
    index.close()
    with pytest.raises(RetrievalError, match="format 99"):
        Index.open(folder)


def test_the_default_embedder_finds_by_meaning():
    with Index.memory() as index:
        index.add([KETTLE, LAMP, {"doc_id": "faq", "text": "Goods may be returned within 30 days."}])
        assert found(index, "how long can I send something back?")[0] == "faq"


def test_a_document_is_found_by_the_names_in_its_metadata(index):
    reviews = {"reviews/1": "Heron Over-Ear Headphones", "reviews/2": "Wren Sport Headphones"}
    text = "The battery is fine. "
    index.add({"doc_id": name, "text": text, "metadata": {"product": product}} for name, product in reviews.items())
    for way in (index.lexical(), index.dense(), index.lexical() + index.dense()):
        first = way.search("battery Wren Sport Headphones", 1)[0].passage
        assert (first.doc_id, first.title, first.text) == ("reviews/2", "", text.strip())
    index.add([{"doc_id": "reviews/1", "text": text, "metadata": {"product": "Loon Speaker"}}])
    assert index.search("loon")[0].passage.doc_id == "reviews/1"


def test_a_long_title_leaves_room_for_the_text_in_what_is_embedded(index):
    given = []

    class Keeping(FakeEmbedder):
        def embed(self, texts):
            given.extend(texts)
            return super().embed(texts)

    with Index.memory(Keeping()) as index:
        index.add([{"doc_id": "x", "title": "word " * 500, "text": "The text."}])
        assert index.search("word")[0].passage.title == "word " * 500
    assert len(given[0]) < 250
    assert given[0].endswith("The text.")


def test_one_id_in_two_indexes_is_two_documents(index):
    with Index.memory(FakeEmbedder()) as other:
        for each, text in ((index, "a red kettle"), (other, "a blue kettle")):
            each.add([{"doc_id": "kettle", "text": text}])
        both = index.lexical() + other.lexical()
        assert {hit.passage.text for hit in both.search("kettle")} == {"a red kettle", "a blue kettle"}


def test_hits_are_as_their_models_have_them(index):
    index.add([{**KETTLE, "metadata": {"a": [1, None, {"b": "ü"}]}}])
    (hit,) = index.search("kettle")
    assert Hit.model_validate_json(hit.model_dump_json()) == hit
