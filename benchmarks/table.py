"""The README's table, made from the results.

python -m benchmarks.table                   prints it
python -m benchmarks.table --write README.md puts it between the markers
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS

MARKERS = re.compile(r"(<!-- measures -->\n).*?(<!-- end -->)", re.S)


def table() -> str:
    """One row a figure: what, the figures, the command."""
    head = ["| what | figure | command |", "| --- | --- | --- |"]
    return "\n".join([*head, *(f"| {what} | {figure} | `{command}` |" for what, figure, command in _rows())])


def filled(readme: str) -> str:
    """The README with the present table between its markers."""
    return MARKERS.sub(lambda match: f"{match[1]}{table()}\n{match[2]}", readme)


def _result(name: str) -> dict[str, Any] | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _rows() -> Iterator[tuple[str, str, str]]:
    if found := _result("startup"):
        figure = f"{found['import_rag_seconds']} s; {found['first_answer_seconds']} s"
        yield "`import rag`; first answer of the command above, index built", figure, found["command"]
    for name, title in (("retrieval_scifact_dev", "SciFact dev"), ("retrieval_hotpotqa_dev", "HotpotQA dev")):
        if found := _result(name):
            for measure in ("nDCG@10", "recall@5", "all-gold@5", "all-gold@10"):
                figure = " / ".join(_share(found[way][measure]) for way in ("lexical", "dense", "fused"))
                yield f"{title}, {measure}: lexical / dense / fused", figure, found["command"]
    if found := _result("indexing"):
        figure = f"{found['documents_a_second']}; {found['peak_mib']} MiB"
        yield "documents indexed a second; peak memory, 5,000 abstracts", figure, found["command"]
    for name, planner in (("shop_rules", "`rules`"), ("shop_reaper", "`reaper`, 1.5B model")):
        if found := _result(name):
            figure = f"{_share(found['sources'])} / {_share(found['answer'])}"
            yield f"30 shop questions, right sources / right answer, {planner}", figure, found["command"]
    for name, planner in (("routing_rules", "`rules`"), ("routing_reaper", "`reaper`, 1.5B model")):
        if found := _result(name):
            named, every = found["names_every_source"], found["all"]
            figure = (
                f"{_share(every['exact'])} ({every['questions']}) / {_share(named['exact'])} ({named['questions']})"
            )
            yield (
                f"MultiHop-RAG dev, exact set of 47 sources: all / those that name theirs, {planner}",
                figure,
                found["command"],
            )
    if found := _result("neighbours"):
        ways = [found["without"]["fit"], *(way["fit+vote"] for way in found["experiences"].values())]
        counts = " / ".join(f"{int(n):,}" for n in found["experiences"])
        figure = " / ".join(_share(way["all"]["top1"]) for way in ways)
        yield f"MetaTool dev, the right one of 199 tools first: no / {counts} experiences", figure, found["command"]
    yield from _references()
    yield from _runtime()


def _runtime() -> Iterator[tuple[str, str, str]]:
    if found := _result("overhead"):
        cpu = found["milliseconds"]
        figure = f"{cpu['ours']} / {cpu['planned']} / {cpu['floor']} ms; {found['scheduler_milliseconds']} ms"
        what = "CPU a question: `reaper` / a planner that does nothing / the openai client alone; six steps of nothing"
        yield what, figure, found["command"]
    if found := _result("barrier"):
        figure = f"{found['ratio']}"
        yield "wall time of an unbalanced graph over that of its longest path", figure, found["command"]
    if found := _result("load"):
        rates = found["questions_a_second"]
        figure = f"{rates['ours']} / {rates['floor']} of {rates['possible']}"
        yield f"{found['in_flight']} questions in flight, a second: ours / the floor", figure, found["command"]


def _references() -> Iterator[tuple[str, str, str]]:
    if found := _result("references_gold"):
        plans = found["complexfuncbench"]
        figure = f"{plans['run']} of {plans['plans']}; {plans['references_resolved']} of {plans['references']}"
        yield (
            "ComplexFuncBench dev, gold plans run on recorded responses; references resolved",
            figure,
            found["command"],
        )
    for name, title in (("references_nestful", "NESTFUL dev"), ("references_complexfuncbench", "ComplexFuncBench dev")):
        if found := _result(name):
            measures = ("tool_set_f1", "reference_accuracy", "run_to_the_end")
            figure = " / ".join(_share(found[measure]) for measure in measures)
            yield (
                f"{title}, {found['requests']} requests, 1.5B model: tool set F1 / references / run",
                figure,
                found["command"],
            )


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def main() -> None:
    if sys.argv[1:2] == ["--write"]:
        path = Path(sys.argv[2])
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        sys.stdout.write(table() + "\n")


if __name__ == "__main__":
    main()
