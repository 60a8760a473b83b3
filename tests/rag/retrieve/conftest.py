"""An index with a quick embedder, and processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.retrieve import Index
from rag.testing.fakes import FakeEmbedder

ROOT = Path(__file__).parents[3]
PREAMBLE = """
import os, signal, sys
from rag.errors import *
from rag.retrieve import Index, dense, writer
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope
folder = sys.argv[1]
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
def opened(): return Index.open(folder, embedder=FakeEmbedder())
def documents(n, word="word"): return ({"doc_id": f"d/{i}", "text": f"{word}{i} common"} for i in range(n))
"""

Child = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[Index]:
    with Index.open(folder, embedder=FakeEmbedder()) as index:
        yield index


@pytest.fixture
def child(folder: Path) -> Iterator[Child]:
    """Starts Python processes over the same index; what they print and are told goes through pipes."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(code), str(folder)]
        started.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
