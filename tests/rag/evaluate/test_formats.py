"""Tasks read from files: what each line says, and what is wrong with one that cannot be read."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pytest

from rag.errors import ConfigError, LoadError
from rag.evaluate.formats import load_task


def written(folder, *records, name="task.jsonl"):
    path = folder / name
    path.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records))
    return path


def only(folder, record):
    (case,) = load_task(written(folder, record)).cases
    return case


@pytest.fixture
def beir(tmp_path):
    """A folder in BEIR layout, its corpus packed, and one query of which nothing is known."""
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt") as file:
        for name in ("d1", "d2"):
            file.write(json.dumps({"_id": name, "title": name.upper(), "text": f"text of {name}"}) + "\n")
    queries = ({"_id": "1", "text": "one?"}, {"_id": "2", "text": "two?"}, {"_id": "3", "text": "no qrels"})
    written(tmp_path, *queries, name="queries.jsonl")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t2\n1\td2\t0\n2\td2\t1\n")
    return tmp_path


def test_a_beir_folder_has_queries_with_qrels_and_documents(beir):
    task = load_task(beir)
    assert [(case.case_id, case.docs) for case in task.cases] == [("1", {"d1": 2, "d2": 0}), ("2", {"d2": 1})]
    assert list(task.documents())[1] == {"doc_id": "d2", "title": "D2", "text": "text of d2"}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"_id": "1"}, "queries.jsonl, line 1: lacks 'text'"),
        ({"text": "q"}, "queries.jsonl, line 1: lacks '_id'"),
        ({"_id": "1", "text": "q", "metadata": [1]}, "queries.jsonl, line 1: metadata is an object"),
    ],
)
def test_a_wrong_line_of_a_folder_is_told(beir, query, word):
    written(beir, query, name="queries.jsonl")
    with pytest.raises(LoadError, match=word):
        load_task(beir)


def test_a_wrong_document_is_told_with_its_line_and_a_title_may_be_null(beir):
    (beir / "corpus.jsonl.gz").unlink()
    written(beir, {"_id": "d1", "title": None, "text": "t"}, {"_id": "d2", "text": None}, name="corpus.jsonl")
    documents = load_task(beir).documents()
    assert next(documents)["title"] == ""
    with pytest.raises(LoadError, match=r"corpus.jsonl, line 2: its text is no text"):
        next(documents)


def test_a_split_is_chosen_by_its_name(beir):
    (beir / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n3\td1\t1\n")
    assert [case.case_id for case in load_task(beir, split="dev").cases] == ["3"]


def test_metadata_of_queries_may_hold_answers_and_labels(beir):
    metadata = {"answer": "x", "aliases": ["y"], "label": "refutes"}
    written(beir, {"_id": "3", "text": "q", "metadata": metadata}, name="queries.jsonl")
    (case,) = load_task(beir).cases
    assert (case.answers, case.label) == (("x", "y"), "refutes")


@pytest.mark.parametrize(
    ("answer", "answers", "answerable"),
    [
        ("x", ("x",), True),
        (["x", "y"], ("x", "y"), True),
        (True, ("yes",), True),
        (3, ("3",), True),
        (None, (), False),
        ([], (), False),
    ],
)
def test_an_answer_is_a_text_a_list_or_none(tmp_path, answer, answers, answerable):
    case = only(tmp_path, {"question": "q", "answer": answer})
    assert (case.answers, case.answerable) == (answers, answerable)


def test_gold_documents_are_a_list_or_have_a_relevance(tmp_path):
    assert only(tmp_path, {"question": "q", "docs": ["a", "b"]}).docs == {"a": 1, "b": 1}
    assert only(tmp_path, {"question": "q", "docs": {"a": 2}}).docs == {"a": 2}


def test_a_claim_has_a_label_and_a_plan_may_have_twins(tmp_path):
    assert only(tmp_path, {"claim": "c", "label": "SUPPORTS"}).label == "SUPPORTS"
    plans = [{"steps": []}, {"steps": [{"id": "s1", "source": "a", "args": {}}]}]
    case = only(tmp_path, {"question": "q", "plans": plans})
    assert [len(plan.steps) for plan in case.plans] == [0, 1]
    assert case.planned_only


def test_conversations_have_turns_and_questions_asked_at_a_time(tmp_path):
    turn = {"conversation": "c1", "turn_id": 7, "speaker": "Ann", "text": "hi", "at": "2026-05-01T10:00+02:00"}
    question = {"conversation": "c1", "question": "q", "now": "2026-05-02T10:00+02:00", "turn_ids": [7]}
    task = load_task(written(tmp_path, turn, question))
    (case,) = task.cases
    assert [turn.turn_id for turn in task.conversations["c1"]] == ["7"]
    assert case.docs == {"7": 1}
    assert case.now - task.conversations["c1"][0].at == timedelta(days=1)


def test_a_json_list_is_a_task_too(tmp_path):
    path = written(tmp_path, json.dumps([{"question": "q", "answer": "a"}]), name="task.json")
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert [load_task(file).name for file in (path, packed)] == ["task", "packed"]


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (["{broken"], "line 1"),
        (["[1]"], "no object"),
        ([{"question": "q", "answer": "a"}, {"question": "q"}], "line 2: nothing tells what is right"),
        ([{"question": "q", "docs": "d1"}], "is a list of ids"),
        ([{"question": "q", "plan": {"steps": [{"id": "s1"}]}}], "line 1"),
        ([{"question": "q", "answer": "a", "now": "2026-05-02"}], "no zone"),
        ([{"conversation": "c1", "role": "user"}], "text"),
        ([{"text": "a turn of nothing"}], "line 1: it is neither"),
        ([{"query": "q", "answer": "a"}], "line 1: it is neither"),
        ([{"question": None, "answer": "a"}], "line 1: the question is no text"),
        ([{"question": "q", "answer": {"x": 1}}], "line 1: an answer is"),
        (['{"question": "\\ud800", "answer": "a"}'], "line 1: .*surrogates"),
        (['{"question": "q", "answer": "\\ud800"}'], "line 1: .*surrogates"),
        ([{"id": 1, "question": "q", "answer": "a"}, {"id": 1, "question": "r", "answer": "a"}], "two questions"),
        ([""], "no question"),
    ],
)
def test_what_is_no_task_is_told_with_its_line(tmp_path, lines, word):
    with pytest.raises(LoadError, match=word):
        load_task(written(tmp_path, *lines))


def test_a_folder_and_a_file_that_are_none_are_told(tmp_path):
    with pytest.raises(LoadError, match="BEIR layout"):
        load_task(tmp_path)
    with pytest.raises(LoadError, match="no such task"):
        load_task(tmp_path / "nowhere.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(LoadError, match="cannot be read"):
        load_task(tmp_path / "bytes.jsonl")


def test_the_hash_changes_with_the_data_alone(tmp_path):
    first = load_task(written(tmp_path, {"question": "q", "answer": "a"}))
    same = load_task(written(tmp_path, {"question": "q", "answer": "a"}, name="other.jsonl"))
    changed = load_task(written(tmp_path, {"question": "q", "answer": "b"}))
    assert first.data_hash == same.data_hash != changed.data_hash


def test_a_sample_is_the_same_every_time_and_in_order(tmp_path):
    task = load_task(written(tmp_path, *({"question": f"q{n}", "answer": "a"} for n in range(50))))
    sample = [int(case.question[1:]) for case in task.sampled(10).cases]
    assert sample == sorted(sample)
    assert task.sampled(10) == task.sampled(10)
    assert len(task.sampled(99)) == 50
    with pytest.raises(ConfigError, match="limit=0"):
        task.sampled(0)


def test_a_task_without_a_corpus_has_no_documents(tmp_path):
    with pytest.raises(ConfigError, match="no documents of its own"):
        list(load_task(written(tmp_path, {"question": "q", "answer": "a"})).documents())
