"""Whose documents a search sees, and of which collection."""

from __future__ import annotations

import pytest

from rag.retrieve import Added, Index
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope

ACME, ANN, BOB = Scope(tenant="acme"), Scope(tenant="acme", user="ann"), Scope(tenant="acme", user="bob")
STORED = {
    "open": None,
    "acme": ACME,
    "ann": ANN,
    "hr": Scope(tenant="acme", labels=frozenset({"hr", "eu"})),
    "other": Scope(tenant="acme2", user="ann"),
    "someone": Scope(user="ann"),
}


@pytest.fixture
def stored(index):
    for doc_id, scope in STORED.items():
        index.add([{"doc_id": doc_id, "text": f"a note of {doc_id}"}], scope=scope)
    return index


def seen(index, scope, **options):
    """What each way of searching shows: they must agree."""
    ways = (index.lexical(), index.dense(), index.lexical() + index.dense())
    (found,) = {
        tuple(sorted(hit.passage.doc_id for hit in way.search("note", 100, scope=scope, **options))) for way in ways
    }
    assert sorted(index.doc_ids(scope=scope, **options)) == list(found)
    return set(found)


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (None, {"open"}),
        (Scope(), {"open"}),
        (ACME, {"acme", "hr"}),
        (ANN, {"acme", "hr", "ann"}),
        (BOB, {"acme", "hr"}),
        (Scope(tenant="acme", labels=frozenset({"hr"})), {"hr"}),
        (Scope(tenant="acme", user="ann", labels=frozenset({"hr", "eu"})), {"hr"}),
        (Scope(tenant="acme", labels=frozenset({"hr", "us"})), set()),
        (Scope(tenant="acme2"), set()),
        (Scope(tenant="acme2", user="ann"), {"other"}),
        (Scope(user="ann"), {"open", "someone"}),
        (Scope(labels=frozenset({"hr"})), set()),
        (Scope(tenant="ac%", user="%"), set()),
    ],
)
def test_a_scope_sees_its_own_alone(stored, scope, shown):
    assert seen(stored, scope) == shown


def test_a_users_document_stands_in_front_of_the_tenants(index):
    index.add([{"doc_id": "x", "text": "the note of all"}], scope=ACME)
    index.add([{"doc_id": "x", "text": "the note of ann"}], scope=ANN)
    assert len(index) == 2
    assert [hit.passage.text for hit in index.search("note", scope=ANN)] == ["the note of ann"]
    assert [hit.passage.text for hit in index.search("note", scope=BOB)] == ["the note of all"]


def test_users_neither_see_nor_overwrite_nor_remove_each_others_documents(index):
    index.add([{"doc_id": "x", "text": "the note of ann"}], scope=ANN)
    assert index.add([{"doc_id": "x", "text": "the note of bob"}], scope=BOB) == Added(added=1)
    assert index.remove(["x"], scope=ACME) == 0
    assert index.remove(["x"], scope=BOB) == 1
    assert [hit.passage.text for hit in index.search("note", scope=ANN)] == ["the note of ann"]


def test_other_labels_are_a_change(index):
    labelled = Scope(tenant="acme", labels=frozenset({"hr"}))
    index.add([{"doc_id": "x", "text": "a note"}], scope=ACME)
    assert index.add([{"doc_id": "x", "text": "a note"}], scope=labelled) == Added(updated=1)
    assert seen(index, labelled) == {"x"}


def test_what_lacks_a_label_of_the_scope_is_not_removed(index):
    labelled = Scope(tenant="acme", labels=frozenset({"hr"}))
    index.add([{"doc_id": "x", "text": "a note"}], scope=ACME)
    index.add([{"doc_id": "y", "text": "a note"}], scope=labelled)
    assert index.remove(["x", "y"], scope=Scope(tenant="acme", labels=frozenset({"hr", "eu"}))) == 0
    assert index.remove(["x", "y"], scope=labelled) == 1
    assert index.doc_ids(scope=ACME) == ["x"]
    assert index.add([{"doc_id": "x", "text": ""}], scope=labelled).skipped == ("x",)
    assert index.doc_ids(scope=ACME) == []


def test_a_small_scope_is_not_crowded_out_by_a_large_one(index):
    index.add([{"doc_id": f"d{n}", "text": "note note note"} for n in range(300)], scope=ACME)
    index.add([{"doc_id": "mine", "text": "one note and much else besides"}], scope=ANN)
    found = index.search("note", 5, scope=Scope(tenant="acme", user="ann"))
    assert len(found) == 5
    index.add([{"doc_id": "other", "text": "one note and much else besides"}], scope=Scope(tenant="acme2"))
    assert seen(index, Scope(tenant="acme2")) == {"other"}


NAMES = ["a", "a%", "a_", "ab", "a b", "A", "%", "_", "a'", "ä", "a\\", "", "*"]


@pytest.mark.parametrize("name", NAMES)
def test_a_collection_is_matched_to_the_letter(name):
    with Index.memory(FakeEmbedder()) as index:
        index.add([{"doc_id": f"{other}/d", "text": "a note"} for other in NAMES] + [{"doc_id": "d", "text": "a note"}])
        assert seen(index, None, collection=name) == ({f"{name}/d"} if name else {"/d", "d"})


def test_collections_are_those_that_the_scope_sees(index):
    index.add([{"doc_id": "open/x", "text": "a note"}, {"doc_id": "none", "text": "a note"}])
    index.add([{"doc_id": "acme/x", "text": "a note"}], scope=ACME)
    assert index.collections() == ["open"]
    assert index.collections(scope=ANN) == ["acme"]
    index.remove(["open/x"])
    assert index.collections() == []


def test_scope_and_collection_hold_together(index):
    for scope in (None, ACME, ANN):
        index.add([{"doc_id": f"{name}/{scope and scope.user}", "text": "a note"} for name in "ab"], scope=scope)
    assert seen(index, ANN, collection="a") == {"a/None", "a/ann"}
    assert seen(index, ACME, collection="b") == {"b/None"}
