"""Citations on HotpotQA dev: the share of an answer's sentences that cite a passage which bears them out.

    python -m benchmarks.citations [--n 14] [--model URL] [--index FOLDER] [--answers FILE]

Answers are written by a model from the five passages that one query finds, or taken from a file with a line
{"question_id", "text", "passages": [document, ...]} each, the passages in the order of their numbers. Each
sentence is then checked as with check="words" and, with a model, check="model". Before is the answer as it was
written; after, with unsupported="drop". Neither check knows which passages are gold, so the share of sentences
that cite one is told before and after as well.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import data_dir, jsonl, qrels, report
from rag.assistant import Assistant
from rag.models.openai import OpenAIModel
from rag.protocols import Draft, Model
from rag.read.citations import cite
from rag.read.support import by_words, dropped, request, sentences_of, told
from rag.read.unsourced import NOTHING_FOUND
from rag.retrieve import Index
from rag.run import bridge
from rag.run.prompting import render
from rag.types import Passage

Verdicts = Sequence[bool | None]


def documents(folder: Path) -> dict[str, Passage]:
    lines = jsonl(folder / "corpus.jsonl.gz")
    return {
        line["_id"]: Passage(doc_id=line["_id"], chunk_id=f"{line['_id']}#0", title=line["title"], text=line["text"])
        for line in lines
    }


def written(options: argparse.Namespace, folder: Path, model: Model) -> Iterator[tuple[str, Draft]]:
    """Answers of the model to a seeded sample, from the passages of one query."""
    queries = sorted((line["_id"], line["text"]) for line in jsonl(folder / "queries.jsonl.gz"))
    with tempfile.TemporaryDirectory() as place, Index.open(options.index or Path(place)) as index:
        index.add(
            {"doc_id": each.doc_id, "title": each.title, "text": each.text} for each in documents(folder).values()
        )
        source = index.source("wikipedia", about="articles of Wikipedia", k=5)
        assistant = Assistant([source], model=model, planner="direct", check=None, cache=False)
        for question_id, question in random.Random(5).sample(queries, options.n):
            answer = assistant.ask(question, retrieve=True)
            yield question_id, Draft(answer.text, answer.citations, answer.evidence)


def given(file: Path, folder: Path) -> Iterator[tuple[str, Draft]]:
    known = documents(folder)
    for line in jsonl(file):
        cited = cite(line["text"], [known[doc_id] for doc_id in line["passages"]])
        yield line["question_id"], Draft(cited.text, cited.citations)


def judged(draft: Draft, model: Model) -> Verdicts | None:
    """What the model says of each sentence, in one call."""
    prompt = request(draft)
    if prompt is None:
        return by_words(draft)
    messages, _ = render(prompt.prompt, prompt.values, None)
    reply = bridge.run(model.complete, messages, schema=prompt.schema, max_tokens=prompt.max_tokens)
    return told(reply.text, draft)


class Tally:
    """Counts sentences that need a source: how many cite a passage, one that bears them out, a gold one."""

    def __init__(self) -> None:
        self.sentences = self.cited = self.by_words = self.by_model = self.gold = self.answers = self.uncited = 0

    def add(self, draft: Draft, gold: set[str], model_says: Verdicts | None) -> None:
        """Count the sentences of one answer."""
        self.answers += 1
        self.uncited += not draft.citations
        if draft.text == NOTHING_FOUND:  # all was dropped
            return
        words = by_words(draft)
        for place, sentence in enumerate(sentences_of(draft)):
            if not (sentence.is_claim or sentence.is_checked):
                continue
            self.sentences += 1
            self.cited += bool(sentence.citations)
            self.by_words += words[place] is True
            self.by_model += bool(model_says and model_says[place])
            self.gold += any(draft.citations[n].passage.doc_id in gold for n in sentence.citations)

    def shares(self, *, with_model: bool) -> dict[str, Any]:
        """What was counted, as shares of the sentences."""
        whole = self.sentences or 1
        told = {"answers": self.answers, "without a citation": self.uncited, "sentences": self.sentences}
        told |= {"cite a passage": round(self.cited / whole, 3), "borne out, by words": round(self.by_words / whole, 3)}
        if with_model:
            told["borne out, by the model"] = round(self.by_model / whole, 3)
        return told | {"cite a gold passage": round(self.gold / whole, 3)}


def kept(verdicts: Verdicts, draft: Draft, other: Verdicts | None) -> Verdicts | None:
    """What another check says of the sentences that stay when those that fail this one are dropped."""
    if other is None:
        return None
    pairs = zip(sentences_of(draft), verdicts, other, strict=True)
    return [
        says
        for sentence, verdict, says in pairs
        if not (verdict is False or (verdict is None and sentence.is_claim and not sentence.citations))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=14, help="questions")
    parser.add_argument("--model", default="http://127.0.0.1:8101/v1", help="an endpoint; '' for none with --answers")
    parser.add_argument("--name", default="qwen1.5b", help="the model's name there")
    parser.add_argument("--index", type=Path, help="where the index is kept; without it, it is thrown away")
    parser.add_argument("--answers", type=Path, help="answers to check, rather than new ones")
    parser.add_argument("--keep", type=Path, help="where the answers are written, to be checked again")
    options = parser.parse_args()
    folder = data_dir("hotpotqa_500")
    gold = {name: set(found) for name, found in qrels(folder).items()}
    model = OpenAIModel(options.name, base_url=options.model, api_key="none", timeout=400) if options.model else None
    if model is None and options.answers is None:
        raise SystemExit("without a model there are no answers; give --answers FILE")
    drafts = given(options.answers, folder) if options.answers else written(options, folder, model)  # type: ignore[arg-type]
    before, by_word, by_model = Tally(), Tally(), Tally()
    lines = []
    for question_id, draft in drafts:
        says = judged(draft, model) if model else None
        words = by_words(draft)
        before.add(draft, gold[question_id], says)
        by_word.add(dropped(draft, words), gold[question_id], kept(words, draft, says))
        if says is not None:
            by_model.add(dropped(draft, says), gold[question_id], kept(says, draft, says))
        passages = {citation.n: citation.passage.doc_id for citation in draft.citations}
        lines.append(
            {"question_id": question_id, "text": draft.text, "passages": [passages[n] for n in sorted(passages)]}
        )
    result: dict[str, Any] = {"model": options.name if model else None}
    result["before"] = before.shares(with_model=model is not None)
    result["after words"] = by_word.shares(with_model=model is not None)
    if model:
        result["after the model"] = by_model.shares(with_model=True)
    if options.keep:
        options.keep.write_text(
            "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8"
        )
    report("citations", result, prompts=("answer", "support") if model else ())


if __name__ == "__main__":
    main()
