"""The README's table, made from the results.

python -m benchmarks.table                   prints it
python -m benchmarks.table --write README.md puts it between the markers
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from benchmarks.common import RESULTS
from prompts import load, names

Result: TypeAlias = dict[str, Any]
Rows: TypeAlias = Iterator[tuple[str, str, Result]]

BUSY: Final = 1.5
"""The load average from which a timing is told with it."""
MARKERS = re.compile(r"(<!-- measures -->\n).*?(<!-- end -->)", re.S)


def table() -> str:
    """One row a figure: what, the figures, the command; a row whose prompts have changed since says so."""
    head = ["| what | figure | command |", "| --- | --- | --- |"]
    rows = (f"| {what}{_older(found)} | {figure} | `{found['command']}` |" for what, figure, found in _rows())
    return "\n".join([*head, *rows])


def filled(readme: str) -> str:
    """The README with the present table between its markers."""
    return MARKERS.sub(lambda match: f"{match[1]}{table()}\n{match[2]}", readme)


def _result(name: str) -> Result | None:
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _older(found: Result) -> str:
    """What to say of a result of which a prompt has changed since."""
    known = names()
    changed = [
        identity.partition("#")[0]
        for name, identity in found.get("prompts", {}).items()
        if name not in known or load(name).identity != identity
    ]
    return f" (with earlier prompts: {', '.join(changed)})" if changed else ""


def _rows() -> Rows:
    yield from _retrieval()
    yield from _answers()
    yield from _many()
    yield from _references()
    yield from _experience()
    yield from _loops()
    yield from _checks()
    yield from _learnt()
    yield from _memory()
    yield from _runtime()


def _retrieval() -> Rows:
    if found := _result("startup"):
        figure = f"{found['import_rag_seconds']} s; {found['first_answer_seconds']} s"
        yield "`import rag`; first answer of the command above, index built", figure, found
    for name, title in (("retrieval_scifact_dev", "SciFact dev"), ("retrieval_hotpotqa_dev", "HotpotQA dev")):
        if found := _result(name):
            for measure in ("nDCG@10", "recall@5", "all-gold@5", "all-gold@10"):
                figure = _shares(found[way][measure] for way in ("lexical", "dense", "fused"))
                yield f"{title}, {measure}: lexical / dense / fused", figure, found
    if found := _result("indexing"):
        figure = f"{found['documents_a_second']}; {found['peak_mib']} MiB"
        yield "documents indexed a second; peak memory, 5,000 abstracts", figure, found


def _answers() -> Rows:
    for name, planner in (("shop_rules", "`rules`"), ("shop_reaper", "`reaper`, 1.5B model")):
        if found := _result(name):
            figure = _shares((found["sources"], found["answer"]))
            yield f"30 shop questions, right sources / right answer, {planner}", figure, found
    for name, planner in (("routing_rules", "`rules`"), ("routing_reaper", "`reaper`, 1.5B model")):
        if found := _result(name):
            groups = (found["all"], found["names_every_source"])
            figure = " / ".join(f"{_share(group['exact'])} ({group['questions']})" for group in groups)
            yield f"MultiHop-RAG dev, exact set of 47 sources: all / those that name theirs, {planner}", figure, found
    for planner in ("reaper", "react"):
        if found := _result(f"interleaved_{planner}"):
            yield from _interleaved(found, planner)
    if found := _result("interleaved_loopback"):
        both = found["reaper"], found["react"]
        figure = "; ".join(
            " / ".join(f"{way[key]:,}" for way in both) for key in ("model_calls", "tokens", "seconds_p50")
        )
        what = "model calls; tokens (estimated); seconds"
        title = f"three steps, a scripted model that takes 200 ms{_loaded(found)}, `reaper` / `react`"
        yield f"{title}: {what}", figure, found


def _interleaved(found: Result, planner: str) -> Rows:
    title = f"MultiHop-RAG dev, `{planner}`, 1.5B model"
    figure = _shares(found[key] for key in ("exact", "recall", "arguments_valid"))
    seconds = found.get("lookup_seconds_p50") or found["seconds_p50"]
    figure += f"; {found['model_calls']}, {found['tokens']:,}, {seconds} s"
    what = "exact set / recall / valid arguments; model calls, tokens, time of looking up"
    yield f"{title}, {found['questions']} questions: {what}", figure, found
    if null := found["null"]:
        # Results of before the two were told apart have them in one.
        apart = "model_says_so" in null
        said = f"{null['model_says_so']} + {null['nothing_read']}" if apart else null["model_or_reader_says_so"]
        yield f"{title}, no source holds the answer: model + reader say so", f"{said} of {null['questions']}", found


def _many() -> Rows:
    for name, title in (("shortlist_metatool", "MetaTool dev"), ("shortlist_seal_tools", "Seal-Tools dev")):
        if found := _result(name):
            groups = [found["one"], found["several"]]
            figure = "; ".join(
                _shares((*(group["fused"][f"recall@{k}"] for k in (10, 20)), group["recall_of_shortlist"]))
                for group in groups
            )
            what = f"recall at 10 / 20 / of the shortlist of {round(found['shown'])}"
            yield f"{title}, {found['sources']:,} sources, questions for one; for several: {what}", figure, found
    for name, title in (("offered_metatool", "MetaTool dev"), ("offered_seal_tools", "Seal-Tools dev")):
        if found := _result(name):
            groups = [found[kind]["of_sources"] for kind in ("one", "several")]
            figure = "; ".join(_shares(of["recall"] for of in group.values()) for group in groups)
            counts = " / ".join(f"{int(size):,}" for size in groups[0])
            what = f"recall of what `reaper`'s model is offered of {counts} sources"
            yield f"{title}, questions for one; for several: {what}", figure, found


def _references() -> Rows:
    if found := _result("references_gold"):
        plans = found["complexfuncbench"]
        figure = f"{plans['run']} of {plans['plans']}; {plans['references_resolved']} of {plans['references']}"
        yield "ComplexFuncBench dev, gold plans run on recorded responses; references resolved", figure, found
        plans = found["nestful"]
        figure = f"{plans['valid']} / {plans['valid_or_mended']} / {plans['run']} of {plans['plans']}"
        what = "gold plans that are valid / that rules can mend / that run on made-up rows"
        yield f"NESTFUL dev, {what}; the others contradict their tools' specifications", figure, found
    for name, title in (("references_nestful", "NESTFUL dev"), ("references_complexfuncbench", "ComplexFuncBench dev")):
        if found := _result(name):
            figure = _shares(found[measure] for measure in ("tool_set_f1", "reference_accuracy", "run_to_the_end"))
            yield f"{title}, {found['requests']} requests, 1.5B model: tool set F1 / references / run", figure, found


def _experience() -> Rows:
    if found := _result("neighbours"):
        ways = [found["without"]["fit"], *(way["fit+vote"] for way in found["experiences"].values())]
        counts = " / ".join(f"{int(n):,}" for n in found["experiences"])
        most = max(map(int, found["experiences"]))
        what = f"no / {counts} experiences (more than 1,000 are kept with `most={most}`)"
        yield (
            f"MetaTool dev, the right one of 199 tools first: {what}",
            _shares(way["all"]["top1"] for way in ways),
            found,
        )
        figure = _shares(way["without_near_duplicates"]["top1"] for way in ways)
        far = f"without the {found['near_duplicates']:.1%} of the questions that are near an experience"
        yield f"the same, {far}", figure, found
    for name, title in (("experience_metatool", "MetaTool dev"), ("experience_multihop_rag", "MultiHop-RAG dev")):
        if found := _result(name):
            shown = found["examples"]
            what = f"exact set of sources with {' / '.join(shown)} examples"
            yield (
                f"{title}, {found['n']} questions, 1.5B model: {what}",
                _shares(s["exact"] for s in shown.values()),
                found,
            )


def _loops() -> Rows:
    for name, title in (
        ("hotpotqa", "HotpotQA dev"),
        ("2wiki", "2WikiMultihopQA dev"),
        ("musique", "MuSiQue dev"),
        ("ircot", "IRCoT's questions"),
    ):
        if found := _result(f"hops_{name}"):
            ways = ("one@10", "blind@10", "loop")
            figure = f"{_shares(found[way]['gold'] for way in ways)}; {found['loop']['stopped']:.0%}"
            what = "all gold in ten passages of one query / two blind hops / the evidence loop; ended after round 1"
            yield f"{title}, {found['questions']} questions, no model: {what}", figure, found
        if found := _result(f"rounds_{name}"):
            ways = found["settings"]
            asked = f"{title}, {found['questions']} questions, 1.5B model"
            order = ("t1", "t2", "wide", "loop")
            for key, measure in (("answer_recall", "answer recall"), ("all_gold", "all gold"), ("f1", "F1")):
                what = "one query / Iter-RetGen as published / one query with twice the passages / the evidence loop"
                yield f"{asked}, {measure}: {what}", _shares(ways[way][key] for way in order), found


def _checks() -> Rows:
    if found := _result("citations"):
        before, after = found["before"], found["after words"]
        figure = f"{_share(before['borne out, by words'])} of {before['sentences']} / {after['sentences']} kept"
        yield (
            "sentences of a 1.5B model borne out by what they cite: before / after the check drops others",
            figure,
            found,
        )
    if found := _result("evaluate_scifact_dev"):
        yield (
            "SciFact dev, `rag.evaluate` against `ir_measures`: largest difference",
            f"{found['largest_difference']}",
            found,
        )


def _learnt() -> Rows:
    if found := _result("adapt_metatool"):
        steps = found["same"]
        counts = " / ".join(f"{step['pairs']:,}" for step in steps)
        figure = _shares([steps[0]["recall@1"]["before"], *(step["recall@1"]["after"] for step in steps)])
        yield (
            f"MetaTool dev, recall@1 of 199 tools by MiniLM: no adapter / one learnt from {counts} pairs",
            figure,
            found,
        )
    if found := _result("reformulate_cranfield"):
        lexical = found["lexical"]
        figure = _shares(lexical[way]["nDCG@10"] for way in ("none", "rm3", "feedback ensemble, concat"))
        yield "Cranfield dev, lexical, nDCG@10: as it is / RM3 / ensemble of feedback terms", figure, found


def _memory() -> Rows:
    if found := _result("memory_recall"):
        told = found["locomo"]["recall"]
        names = ("session any@5", "turn any@5", "all evidence@10")
        for group, of in (("all", ""), ("clean", ", without disputed labels")):
            what = f"LoCoMo dev, {told[group]['questions']} questions{of}, no model: {' / '.join(names)}"
            yield what, _shares(told[group][name] for name in names), found
        noises = {folder.partition("_")[2]: of["all"] for folder, of in found["personabench"].items()}
        what = f"PersonaBench dev, recall@5 / recall@10 at noise {', '.join(noises)}"
        yield what, "; ".join(_shares((of["recall@5"], of["recall@10"])) for of in noises.values()), found
        timed = found["zyphra"]["time and content"]
        what = f"questions of a time and a content, {timed['questions']}, no model: recall / F2"
        yield what, _shares((timed["recall"], timed["F2"])), found

    for name, title in (
        ("time_qs", "questions of time"),
        ("ambiguous_time_qs", "questions that need the turns before"),
    ):
        if found := _result("memory_time"):
            of = found["scores"][f"{name}/all"]
            yield (
                f"{of['questions']:,} {title}, no model: recall / F2",
                f"{of['recall']} / {of['f2']}",
                found,
            )
    if found := _result("time_words"):
        worded, locomo = found["worded"], found["locomo"]
        figure = f"{worded['exact']:.0f} %; {locomo['false']} of {locomo['questions']}"
        what = "window exact (66 % before they were looked at); false windows of LoCoMo"
        yield f"{worded['questions']} questions of time in words of our own, {what}", figure, found
    if found := _result("memory_profile"):
        saved = {
            noise: found[noise]["fewer_tokens_at_equal_found"]["segments, k=5"] for noise in ("noise_0.0", "noise_0.5")
        }
        figure = " / ".join("never" if share is None else f"{share:.0%}" for share in saved.values())
        yield (
            "PersonaBench dev, noise 0.0 / 0.5: fewer tokens by a profile where it finds as much as five segments",
            figure,
            found,
        )
    if found := _result("memory_speed"):
        million = found["turns"]["1000000"]
        times = million["milliseconds_among_other_users_turns"]
        figure = (
            f"{million['durable_adds_a_second']['1 writers']:,}; {times['time']['p95']} / {times['hybrid']['p95']} ms"
        )
        yield (
            "memory of 1,000,000 turns: durable adds a second; p95 of a time question / of a hybrid one",
            figure,
            found,
        )
    if found := _result("memory_faults"):
        killed = found["faults"]["kill_9_under_eight_writers"]
        yield (
            f"{killed['kills']} kills of eight writers: turns lost / corrupted",
            f"{killed['lost']} / {killed['corrupted']}",
            found,
        )


def _runtime() -> Rows:
    if found := _result("overhead"):
        cpu = found["milliseconds"]
        figure = f"{cpu['ours']} / {cpu['planned']} / {cpu['floor']} ms; {found['scheduler_milliseconds']} ms"
        what = "`reaper` / a planner that does nothing / the openai client alone; six steps of nothing"
        yield f"CPU a question{_loaded(found)}: {what}", figure, found
    if found := _result("barrier"):
        what = f"wall time of an unbalanced graph over that of its longest path{_loaded(found)}"
        yield what, f"{found['ratio']}", found
    if found := _result("load"):
        rates = found["questions_a_second"]
        figure = f"{rates['ours']} / {rates['floor']} of {rates['possible']}"
        yield f"{found['in_flight']} questions in flight, a second{_loaded(found)}: ours / the floor", figure, found
    if found := _result("fuzz"):
        figure = f"{found['plans'] - found['failures']:,} of {found['plans']:,}"
        yield "malformed plans that are mended and run, or are a typed error", figure, found


def _loaded(found: Result) -> str:
    """How busy the machine was with other work, where it was."""
    loads = found["environment"].get("load_average", {}).values()
    return f" (load average {max(loads)})" if loads and max(loads) > BUSY else ""


def _shares(values: Iterable[float]) -> str:
    return " / ".join(map(_share, values))


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
