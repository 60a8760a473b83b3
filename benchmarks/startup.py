"""How fast things start: `import rag`, and the first answer of the model-free command with its index built.

python -m benchmarks.startup
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.common import ROOT, report

QUESTION = "Can I return the headphones from my last order, and what do buyers say about their battery?"
ASK = [
    *(sys.executable, "-m", "rag", "ask", QUESTION, "--docs", "examples/shop"),
    *("--sql", "orders=sqlite:///examples/shop/shop.db"),
]


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        # Byte code is kept, as pip keeps it for what it installs.
        environment = {**os.environ, "RAG_CACHE_DIR": cache, "PYTHONPYCACHEPREFIX": f"{cache}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _seconds([sys.executable, "-c", "import rag"], environment)
        nothing = [_seconds([sys.executable, "-c", "pass"], environment) for _ in range(7)]
        imports = [_seconds([sys.executable, "-c", "import rag"], environment) for _ in range(7)]
        built = _seconds(ASK, environment)
        answers = [_seconds(ASK, environment) for _ in range(5)]
    report(
        "startup",
        {
            "import_rag_seconds": round(statistics.median(imports) - statistics.median(nothing), 3),
            "first_answer_seconds": round(statistics.median(answers), 2),
            "first_answer_with_indexing_seconds": round(built, 2),
        },
    )


if __name__ == "__main__":
    main()
