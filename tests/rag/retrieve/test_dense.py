"""Vectors: compared one by one, in a snapshot, and with a snapshot that is behind, damaged or gone."""

from __future__ import annotations

import shutil

import pytest

from rag.errors import RetrievalError
from rag.retrieve import Index, dense
from rag.retrieve.catalogue import View
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(dense, "EXACT", 20)
    monkeypatch.setattr(dense, "FEW", 20)


def documents(start, stop):
    return [{"doc_id": f"c{i % 3}/{i}", "text": f"word{i} common"} for i in range(start, stop)]


def snapshots(folder):
    return sorted(path.name for path in (folder / "dense").glob("*"))


def reopened(folder):
    return Index.open(folder, embedder=FakeEmbedder(), create=False)


def nearest(index, query, k=1, **options):
    return [hit.passage.doc_id for hit in index.dense().search(query, k, **options)]


def test_a_small_index_has_no_snapshot(index, folder):
    index.add(documents(0, 20))
    assert snapshots(folder) == []
    index.add(documents(20, 21))
    assert len(snapshots(folder)) == 1


def test_a_snapshot_is_replaced_when_a_quarter_is_newer(index, folder):
    index.add(documents(0, 100))
    first = snapshots(folder)
    index.add(documents(100, 120))
    assert snapshots(folder) == first
    index.add(documents(120, 130))
    assert len(snapshots(folder)) == 1 != len({*first, *snapshots(folder)})


def test_every_chunk_is_found_wherever_it_lies(index):
    index.add(documents(0, 100))
    index.add(documents(100, 110))
    assert [nearest(index, f"word{i}") for i in (0, 55, 99, 105)] == [["c0/0"], ["c1/55"], ["c0/99"], ["c0/105"]]
    assert len(set(nearest(index, "common", 500))) == 110


def test_snapshot_and_comparison_give_the_same_scores(index):
    index.add(documents(0, 100))
    with Index.memory(FakeEmbedder()) as exact:
        exact.add(documents(0, 100))
        wanted = {hit.passage.doc_id: hit.score for hit in exact.dense().search("word3 word5", 100)}
    found = {hit.passage.doc_id: hit.score for hit in index.dense().search("word3 word5", 100)}
    assert found == pytest.approx(wanted, abs=1e-3)


def test_copies_of_a_text_hide_nothing(index):
    copies = [{"doc_id": f"copy/{i}", "text": "the same footer"} for i in range(400)]
    index.add([*documents(0, 30), *copies[:200]])
    index.add(copies[200:])
    index.remove(["copy/0"])
    assert len(nearest(index, "the same footer", 500)) == 429
    assert [nearest(index, f"word{i}") for i in (0, 13, 29)] == [["c0/0"], ["c1/13"], ["c2/29"]]


def test_what_was_removed_since_the_snapshot_is_not_found(index, folder):
    index.add(documents(0, 100))
    before = snapshots(folder)
    index.remove([f"c{i % 3}/{i}" for i in range(20)])
    assert snapshots(folder) == before
    assert nearest(index, "word3")[0] != "c0/3"
    assert len(nearest(index, "common", 80)) == 80


def test_a_snapshot_goes_when_most_of_it_has(index, folder):
    index.add(documents(0, 100))
    index.remove([f"c{i % 3}/{i}" for i in range(85)])
    assert snapshots(folder) == []
    assert len(nearest(index, "common", 100)) == 15


@pytest.mark.parametrize("size", [60, 300])
def test_a_filter_is_kept_within_a_snapshot(index, size):
    index.add(documents(0, size))
    found = nearest(index, "common", 500, collection="c1")
    assert len(found) == size / 3
    assert {doc_id.split("/")[0] for doc_id in found} == {"c1"}


def test_scopes_are_kept_within_a_snapshot(index):
    for tenant in ("a", "b"):
        index.add(documents(0, 90), scope=Scope(tenant=tenant))
    index.add(documents(0, 60))
    assert [len(nearest(index, "common", 500, scope=Scope(tenant=t))) for t in ("a", "b", "c", None)] == [90, 90, 0, 60]


def damaged(folder):
    (file,) = folder.rglob("data_level0.bin")
    file.write_bytes(b"\xff" * file.stat().st_size)


def gone(folder):
    shutil.rmtree(folder / "dense")


def without_graph(folder):
    (file,) = folder.rglob("header.bin")
    shutil.rmtree(file.parent)


def without_database(folder):
    next(folder.rglob("chroma.sqlite3")).write_bytes(b"junk" * 1000)


@pytest.mark.parametrize("harm", [damaged, gone, without_graph, without_database])
def test_a_harmed_snapshot_costs_no_hit_and_is_rebuilt(index, folder, harm, caplog):
    index.add(documents(0, 100))
    index.close()
    harm(folder)
    with reopened(folder) as again:
        assert len(nearest(again, "common", 500)) == 100
        assert "one by one" in caplog.text
        again.add(documents(100, 101))
        assert len(nearest(again, "common", 500)) == 101
    assert len(snapshots(folder)) == 1
    caplog.clear()
    with reopened(folder) as again:
        assert len(nearest(again, "common", 500)) == 101
    assert caplog.text == ""


def test_a_snapshot_that_vanishes_while_open_costs_no_hit(index, folder):
    index.add(documents(0, 100))
    assert len(nearest(index, "common", 500)) == 100
    gone(folder)
    assert len(nearest(index, "common", 500)) == 100


def test_a_snapshot_that_fails_is_left_aside(index, monkeypatch, caplog):
    index.add(documents(0, 100))

    def fail(*_):
        raise RetrievalError("broken")

    monkeypatch.setattr(dense.Snapshot, "search", fail)
    assert len(nearest(index, "common", 500)) == 100
    assert "left aside: broken" in caplog.text


def test_a_snapshot_that_cannot_be_written_does_not_fail_what_was_stored(index, monkeypatch, caplog):
    def fail(*_):
        raise RetrievalError("no space")

    monkeypatch.setattr(dense, "build", fail)
    assert index.add(documents(0, 100)).added == 100
    assert len(nearest(index, "common", 500)) == 100
    assert "without a snapshot: no space" in caplog.text


def test_half_precision_gives_back_the_vectors():
    vectors = FakeEmbedder(256).embed(["one two", "three"])
    assert dense.unpacked(dense.packed(vectors)) == pytest.approx(vectors, abs=1e-3)


def test_what_is_added_while_a_snapshot_is_built_is_found(index, monkeypatch):
    build = dense.build

    def late(folder, batches):
        index._writer.add(({"doc_id": f"late/{n}", "text": f"late{n} common"} for n in range(30)), View())
        return build(folder, batches)

    monkeypatch.setattr(dense, "build", late)
    index.add({"doc_id": f"d/{n}", "text": f"word{n} common"} for n in range(40))
    assert len(index.dense().search("common", 500)) == len(index) == 70
