"""A second round of retrieval without a model: what it finds, and what the stop saves.

    python -m benchmarks.hops [hotpotqa 2wiki musique ircot]

One line of JSON a set: the share of questions of which all gold is found, the passages kept, and the searches made.

| setting | |
| --- | --- |
| `one@5`, `one@10` | one query, words and meaning fused |
| `blind@10` | the query with each of the top 5 after it, and the query, taken in turns |
| `loop` | the evidence loop, two rounds at most, k = 5 |
| `always` | the same, and never a stop after the first round |
| `threshold` | the same, with a stop at the best cosine, for as many questions as `loop` stops at |
| `three` | the evidence loop, three rounds at most |
| `answers`, `decomposed` | MuSiQue: the question with its parts' gold answers; its parts with them put in; k = 10 |
| `steps` | IRCoT's questions, and the sentences that people wrote; k = 10 |
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from benchmarks.common import report
from benchmarks.pooled import Question, cache_folder, pool, questions
from planners.direct import Direct
from planners.evidence_loop import EvidenceLoop
from rag.card import SourceCard, free_query
from rag.evaluate.bootstrap import paired
from rag.protocols import Action, Assess, Draft, Execute, Executed, Observation, Task
from rag.read.sufficiency import coverage
from rag.retrieve import Index
from rag.types import Answer, Evidence, EvidenceItem, Hit, Passage
from rag.verdict import Verdict

K = 5
NEVER = Verdict(outcome="not enough", by="never")


class Searches:
    """An index that keeps, in the user's cache directory, what it found; delete the file when the index changes."""

    def __init__(self, index: Index, name: str) -> None:
        self.index = index
        self._path = cache_folder() / f"hops_{name}.json"
        self._found: dict[str, list[list[Any]]] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def __call__(self, query: str, k: int = 10) -> list[Hit]:
        """The first `k` hits, of 10 at most."""
        if query not in self._found:
            hits = self.index.search(query, k=10)
            self._found[query] = [[hit.passage.doc_id, hit.passage.title, hit.passage.text, hit.score] for hit in hits]
            if len(self._found) % 100 == 0:
                self.keep()
        return [
            Hit(passage=Passage(doc_id=doc_id, chunk_id=doc_id, title=title, text=text), score=score, rank=rank)
            for rank, (doc_id, title, text, score) in enumerate(self._found[query][:k])
        ]

    def keep(self) -> None:
        """Write what was found."""
        self._path.write_text(json.dumps(self._found))


def driven(question: Question, searches: Searches, rounds: int, assess: Callable[[Assess], Verdict]) -> Answer:
    """What the loop comes to over the index; nobody reads."""
    cards = (SourceCard(name="wiki", arguments=free_query()),)
    steps = EvidenceLoop(Direct(), rounds=rounds).plan(Task(question.text, cards, datetime.now(UTC)))

    def seen(action: Action) -> Observation:
        if isinstance(action, Execute):
            return Executed(action.plan, _found(action, searches))
        return assess(action) if isinstance(action, Assess) else Draft("")

    try:
        actions = next(steps)
        while True:
            actions = steps.send(tuple(map(seen, actions)))
    except StopIteration as done:
        answer: Answer = done.value
        return answer


def _found(action: Execute, searches: Searches) -> Evidence:
    items = [
        EvidenceItem(passage=hit.passage, step_id=step.id, round=action.round, query=str(step.args["query"]))
        for step in action.plan.steps
        for hit in searches(str(step.args["query"]), K)
    ]
    return Evidence().merged(Evidence(items=tuple(items)))


def in_turns(rankings: Iterable[Sequence[Hit]], k: int) -> set[str]:
    """The first of each ranking, then the second of each, up to `k` documents."""
    found: dict[str, None] = {}
    lists = list(rankings)
    for rank in range(10):
        for hits in lists:
            if rank < len(hits) and len(found) < k:
                found.setdefault(hits[rank].passage.doc_id)
    return set(found)


def fed(question: Question, searches: Searches) -> dict[str, set[str]]:
    """What is found with what people wrote of the question, where its set has that."""
    asked, told = question.text, question.metadata
    if parts := told.get("decomposition"):
        filled = []
        for part in parts:
            text = part["question"]
            for place, other in enumerate(parts, 1):
                text = text.replace(f"#{place}", other["answer"])
            filled.append(text)
        answers = [f"{asked} {part['answer']}" for part in parts[:-1]]
        return {
            "answers": in_turns([searches(query) for query in (asked, *answers)], 10),
            "decomposed": in_turns([searches(query) for query in filled], 10),
        }
    if steps := told.get("steps"):
        thoughts = [step["thought"].strip() for step in steps if not step["thought"].strip().startswith("So the")]
        return {"steps": in_turns([searches(query) for query in (asked, *thoughts)], 10)}
    return {}


def measured(question: Question, searches: Searches) -> dict[str, Any]:
    """What each setting found of one question, and what it cost."""
    top = searches(question.text, 10)
    hops = [searches(f"{question.text} {hit.passage.title} {hit.passage.text}") for hit in top[:K]]
    found = {
        "one@5": {hit.passage.doc_id for hit in top[:K]},
        "one@10": {hit.passage.doc_id for hit in top},
        "blind@10": in_turns([top, *hops], 10),
        **fed(question, searches),
    }
    row: dict[str, Any] = {name: {"gold": question.gold <= ids, "passages": len(ids)} for name, ids in found.items()}
    for name, rounds, assess in (("loop", 2, _coverage), ("always", 2, _never), ("three", 3, _coverage)):
        answer = driven(question, searches, rounds, assess)
        ids = {item.passage.doc_id for item in answer.evidence.items}
        row[name] = {"gold": question.gold <= ids, "passages": len(ids)}
        row[name]["stopped"] = "enough after round 1" in answer.notes
    row["cosine"] = searches.index.dense().search(question.text, 1)[0].score
    return row


def _coverage(action: Assess) -> Verdict:
    return coverage(action.question, action.evidence)


def _never(_: Assess) -> Verdict:
    return NEVER


def told(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means of each setting, and what the loop has over one query of as many passages and over its other stop."""
    names = [name for name in rows[0] if name != "cosine"]
    result: dict[str, Any] = {
        name: {key: round(fmean(row[name][key] for row in rows), 4) for key in rows[0][name]} for name in names
    }
    stopped = sum(row["loop"]["stopped"] for row in rows)
    nearest = sorted(range(len(rows)), key=lambda place: -rows[place]["cosine"])[:stopped]
    baseline = [row["one@5" if place in set(nearest) else "always"]["gold"] for place, row in enumerate(rows)]
    result["threshold"] = {"gold": round(fmean(baseline), 4), "stopped": result["loop"]["stopped"]}
    golds = {name: [float(row[name]["gold"]) for row in rows] for name in names}
    others = {"one@10": golds["one@10"], "blind@10": golds["blind@10"], "threshold": [float(gold) for gold in baseline]}
    gains = {name: paired(golds["loop"], other) for name, other in others.items()}
    result["loop_over"] = {name: [round(v, 3) for v in (g.mean, g.low, g.high)] for name, g in gains.items()}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["hotpotqa", "2wiki", "musique", "ircot"])
    for name in parser.parse_args().sets:
        with pool(name) as index:
            asked = [question for question in questions(name) if question.gold]
            searches = Searches(index, name)
            rows = [measured(question, searches) for question in asked]
            searches.keep()
        report(f"hops_{name}", {"questions": len(rows), **told(rows)})


if __name__ == "__main__":
    main()
