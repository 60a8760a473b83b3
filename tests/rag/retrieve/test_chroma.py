"""Chroma behind its edge: its errors, its settings, and that a snapshot is not written twice."""

from __future__ import annotations

import inspect

import chromadb.errors
import pytest

from rag.errors import RetrievalError
from rag.retrieve import snapshot
from rag.retrieve.snapshot import Manifest, Snapshot, build
from rag.testing.fakes import FakeEmbedder

KNOWN = {
    "AuthorizationError", "BatchSizeExceededError", "ChromaAuthError", "ChromaError", "DuplicateIDError",
    "IDAlreadyExistsError", "InternalError", "InvalidArgumentError", "InvalidDimensionException",
    "InvalidHTTPVersion", "InvalidUUIDError", "NotFoundError", "QuotaError", "RateLimitError",
    "UniqueConstraintError", "VersionMismatchError",
}  # fmt: skip
CLASSES = dict(inspect.getmembers(chromadb.errors, lambda c: inspect.isclass(c) and issubclass(c, Exception)))
VECTORS = FakeEmbedder().embed([f"word{n}" for n in range(60)])


@pytest.fixture
def built(tmp_path):
    files = build(tmp_path / "one", [([(n % 2, n) for n in range(60)], VECTORS)])
    return tmp_path / "one", Manifest(name="one", last=60, count=60, files=files)


def test_chroma_has_the_errors_that_we_know_of():
    assert set(CLASSES) == KNOWN


@pytest.mark.parametrize("cls", [*CLASSES.values(), ValueError, RuntimeError], ids=lambda cls: cls.__name__)
def test_whatever_chroma_raises_becomes_ours(built, monkeypatch, cls):
    opened = Snapshot(*built)

    def fail(*_, **__):
        raise cls("reason")

    monkeypatch.setattr(opened._collection, "query", fail)
    with pytest.raises(RetrievalError, match=r"Chroma cannot use .*one: .*reason") as caught:
        opened.search(VECTORS[0], 1, None)
    assert isinstance(caught.value.__cause__, cls)
    opened.close()


def test_the_nearest_are_found_with_their_cosines(built):
    opened = Snapshot(*built)
    found = opened.search(VECTORS[7], 3, None)
    assert found[0] == ((1, 7), pytest.approx(1.0, abs=1e-3))
    assert found[1][1] == pytest.approx(sorted(VECTORS @ VECTORS[7])[-2], abs=1e-3)
    opened.close()


def test_a_filter_leaves_its_partitions(built):
    opened = Snapshot(*built)
    assert {key[0] for key, _ in opened.search(VECTORS[7], 60, [0])} == {0}
    assert len(opened.search(VECTORS[7], 60, [0])) == 30
    opened.close()


def test_opening_and_searching_writes_nothing_that_is_checked(built):
    folder, manifest = built
    for _ in range(2):
        opened = Snapshot(folder, manifest)
        opened.search(VECTORS[0], 5, None)
        opened.close()
    assert manifest.intact(folder)


def test_negative_fingerprints_come_back(tmp_path):
    files = build(tmp_path / "one", [([(1, -(2**63)), (1, 2**63 - 1)], VECTORS[:2])])
    opened = Snapshot(tmp_path / "one", Manifest(name="one", last=2, count=2, files=files))
    assert {key for key, _ in opened.search(VECTORS[0], 2, None)} == {(1, -(2**63)), (1, 2**63 - 1)}
    opened.close()


def test_chroma_neither_reads_the_working_directory_nor_tells_anyone(built, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("CHROMA_API_IMPL=nonsense\nANONYMIZED_TELEMETRY=True\n")
    monkeypatch.chdir(tmp_path)
    client = snapshot._client(built[0])
    assert client.get_settings().anonymized_telemetry is False
    client.close()


def test_chroma_is_given_no_embedder_to_download(built):
    opened = Snapshot(*built)
    assert opened._collection._embedding_function is None
    opened.close()
