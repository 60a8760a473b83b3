"""Documents indexed a second, and peak memory, for 5,000 abstracts (SciFact).

    python -m benchmarks.indexing [--documents N]

Memory is the peak resident size of the whole process, the interpreter and the embedder included.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.common import data_dir, documents, report
from rag.retrieve import Index


def peak_mib() -> float:
    """The most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5_000)
    options = parser.parse_args()
    chosen = islice(documents(data_dir("scifact")), options.documents)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with Index.open(folder) as index:
            index.add(chosen)
            seconds = time.perf_counter() - started
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            again = time.perf_counter()
            index.add(islice(documents(data_dir("scifact")), options.documents))
            unchanged = time.perf_counter() - again
            result = {
                "documents": len(index),
                "seconds": round(seconds, 1),
                "documents_a_second": round(len(index) / seconds, 1),
                "documents_a_second_unchanged": round(len(index) / unchanged),
                "peak_mib": round(peak_mib()),
                "disk_mib": round(size / 2**20, 1),
            }
    report("indexing", result)


if __name__ == "__main__":
    main()
