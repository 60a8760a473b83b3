"""What a view shows is as if there were nothing else."""

from __future__ import annotations

import pytest

from rag.retrieve import Index
from rag.retrieve.catalogue import View
from rag.retrieve.lexical import Lexical
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope

ACME, RIVAL = Scope(tenant="acme"), Scope(tenant="rival")
NOTES = [
    {"doc_id": "a/1", "title": "Batteries", "text": "The battery of the lamp lasts long, batteries of others less."},
    {"doc_id": "a/2", "title": "", "text": "A lamp."},
    {"doc_id": "b/3", "title": "A long title of a lamp_shade", "text": "Shades of café lamps " + "and so on " * 60},
    {"doc_id": "b/4", "text": "Crème brûlée at C-17, été, ½ of x² and 電池."},
]  # fmt: skip
QUERIES = ["lamp", "battery batteries", "lamp_shade", "creme", "so on lamp", "½ x² 電池", "the who", "???"]


def scores(index, query, scope):
    return [(hit.passage.doc_id, hit.score) for hit in index.lexical().search(query, scope=scope)]


@pytest.mark.parametrize("query", QUERIES)
def test_words_score_as_in_an_index_of_the_view_alone(index, query):
    index.add(NOTES, scope=ACME)
    alone = scores(index, query, ACME)
    index.add(({"doc_id": f"r/{n}", "text": f"a rival's lamp and battery {n}"} for n in range(200)), scope=RIVAL)
    assert scores(index, query, ACME) == [(name, pytest.approx(score, rel=1e-9)) for name, score in alone]
    index.remove(["a/2"], scope=ACME)
    with Index.memory(FakeEmbedder()) as other:
        other.add([note for note in NOTES if note["doc_id"] != "a/2"], scope=ACME)
        alone = scores(other, query, ACME)
    assert scores(index, query, ACME) == [(name, pytest.approx(score, rel=1e-9)) for name, score in alone]


def test_a_collection_is_ranked_by_its_own_words(index):
    index.add(NOTES)
    with Index.memory(FakeEmbedder()) as other:
        other.add(note for note in NOTES if note["doc_id"].startswith("b/"))
        alone = [(hit.passage.doc_id, hit.score) for hit in other.search("lamp shade")]
    found = [(hit.passage.doc_id, hit.score) for hit in index.search("lamp shade", collection="b")]
    assert found == [(name, pytest.approx(score, rel=1e-6)) for name, score in alone]


def test_what_is_added_while_a_search_is_under_way_does_not_show_to_others(index, monkeypatch):
    index.add(NOTES, scope=ACME)
    search = Lexical.search

    def late(self, *args):
        index.add([{"doc_id": "secret", "text": "lamp lamp lamp"}], scope=RIVAL)
        index.add([{"doc_id": "c/other", "text": "lamp lamp lamp"}], scope=ACME)
        return search(self, *args)

    monkeypatch.setattr(Lexical, "search", late)
    assert index._catalogue.seen(View.of(ACME)).whole
    assert {name for name, _ in scores(index, "lamp", ACME)} == {"a/1", "a/2", "b/3"}


def test_a_users_own_documents_leave_room_for_the_tenants(index):
    ann = Scope(tenant="acme", user="ann")
    index.add(({"doc_id": f"d{n}", "text": "note note note"} for n in range(150)), scope=ACME)
    index.add([{"doc_id": "real", "text": "one real note and much else besides"}], scope=ACME)
    index.add(({"doc_id": f"d{n}", "text": "something else"} for n in range(150)), scope=ann)
    for way in (index.lexical(), index.dense(), index.lexical() + index.dense()):
        assert way.search("note", 1, scope=ann)[0].passage.doc_id == "real"
        assert len(way.search("note", 500, scope=Scope(tenant="acme", user="bob"))) == 151


def test_only_what_is_seen_stands_in_front(index):
    labelled = {"labels": frozenset({"hr"})}
    index.add([{"doc_id": "x", "text": "the note of all"}], scope=Scope(tenant="acme", **labelled))
    index.add([{"doc_id": "x", "text": "the note of ann"}], scope=Scope(tenant="acme", user="ann"))
    found = index.search("note", scope=Scope(tenant="acme", user="ann", **labelled))
    assert [hit.passage.text for hit in found] == ["the note of all"]
    assert [hit.passage.text for hit in index.search("note", scope=Scope(tenant="acme", user="ann"))] == [
        "the note of ann"
    ]
