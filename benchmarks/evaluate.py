"""Whether `rag eval` tells of SciFact dev what ir_measures does of the same rankings.

    python -m benchmarks.evaluate

The index lies in the user's cache directory: the first time, its 5,183 abstracts are embedded, which takes minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, data_dir, qrels, report
from benchmarks.pooled import cache_folder
from benchmarks.retrieval import measured, run_of
from rag.evaluate.formats import load_task
from rag.retrieve import Index

SAME = {"nDCG@10": "nDCG@10", "R@5": "recall@5", "all-gold@5": "all-gold@5", "all-gold@10": "all-gold@10"}
"""Our names of measures, and those of `benchmarks.retrieval`."""


def told(folder: Path, index: Path) -> tuple[dict[str, Any], float]:
    """What the command line tells of the index, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "subject.py"
        file.write_text(f"import rag\n\nindex = rag.Index.open({str(index)!r})\n", encoding="utf-8")
        command = ["eval", str(folder), "--assistant", str(file), "--out", str(Path(place) / "out.json"), "--json"]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "rag", *command], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout), time.perf_counter() - started


def main() -> None:
    folder, place = data_dir("scifact"), cache_folder() / "pools" / "scifact"
    task = load_task(folder)
    with Index.open(place) as index:
        index.add(task.documents())
        run, _ = run_of(index.lexical() + index.dense(), {case.case_id: case.question for case in task.cases})
    theirs = measured(run, qrels(folder))
    found, seconds = told(folder, place)
    ours = {name: round(found["measures"][name]["value"], 4) for name in SAME}
    apart = max(abs(ours[name] - theirs[other]) for name, other in SAME.items())
    result = {
        "questions": len(task),
        "ours": ours,
        "intervals": {name: [round(found["measures"][name][end], 3) for end in ("low", "high")] for name in SAME},
        "mSD": round(found["measures"]["mSD"]["value"], 4),
        "ir_measures": theirs,
        "largest_difference": round(apart, 6),
        "seconds": round(seconds, 1),
    }
    report("evaluate_scifact_dev", result)
    if apart > 1e-4:
        raise SystemExit("the two differ")


if __name__ == "__main__":
    main()
