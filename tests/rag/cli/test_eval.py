"""`rag eval`: what it prints and writes, what it compares, records and replays, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag.cli.app import app

ROOT = Path(__file__).parents[3]

SUBJECT = """
import rag

index = rag.Index.memory()
index.add([{"doc_id": "returns", "text": "Goods may be returned within 30 days."},
           {"doc_id": "delivery", "text": "Delivery costs 5 EUR."}])
assistant = rag.Assistant([index.source("pages")])
"""
SEEDED = """
import rag

class Says:
    def __init__(self, text):
        self.text = text
    def plan(self, task):
        return rag.Answer(text=self.text)
        yield

def assistant(task, seed):
    assert task.name == "faq"
    return rag.Assistant([], planner=Says(f"within {seed} days"))
"""
FAILING = """
import rag

class Fails:
    def plan(self, task):
        raise RuntimeError("a bug")
        yield

assistant = rag.Assistant([], planner=Fails())
"""
QUESTIONS = [
    {"id": "returns", "question": "How long may goods be returned?", "answer": "30 days", "docs": ["returns"]},
    {"id": "delivery", "question": "What does delivery cost?", "answer": "5 EUR", "docs": ["delivery"]},
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`rag eval` on a task of two questions, with the assistant of a file of this text."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    task = tmp_path / "faq.jsonl"
    task.write_text("\n".join(map(json.dumps, QUESTIONS)))

    def called(*options, subject=SUBJECT, task=task):
        file = tmp_path / "mine.py"
        file.write_text(subject)
        return CliRunner().invoke(app, ["eval", str(task), "--assistant", str(file), *map(str, options)])

    return called


def test_it_prints_a_table_and_keeps_every_question(run, tmp_path):
    done = run("--out", tmp_path / "out.json")
    assert done.exit_code == 0, done.stderr
    assert "faq: 2 questions" in done.stdout
    assert "holds gold (rule)    1.000" in done.stdout
    saved = json.loads((tmp_path / "out.json").read_text())
    assert [result["case_id"] for result in saved["runs"][0]["results"]] == ["returns", "delivery"]
    assert saved["about"]["assistant"] == "mine.py"
    assert not list(tmp_path.glob("*.unfinished*"))


def test_json_has_the_measures_and_where_the_questions_are(run):
    told = json.loads(run("--json").stdout)
    assert told["measures"]["R@5"]["value"] == 1.0
    assert told["failed"] == told["stale"] == []
    assert Path(told["report"]).is_file()


def test_a_run_is_compared_with_an_earlier_one(run, tmp_path):
    first, page = tmp_path / "first.json", tmp_path / "page.html"
    run("--out", first, "--seeds", "30", subject=SEEDED)
    done = run("--compare", first, "--html", page, "--seeds", "3,5", subject=SEEDED)
    assert "compared with mine.py" in done.stdout
    assert "over seeds" in done.stdout
    assert "Compared with mine.py" in page.read_text()
    told = json.loads(run("--compare", first, "--json", "--seeds", "3,5", subject=SEEDED).stdout)
    assert told["compared"]["F1"]["gain"]["mean"] < 0
    assert told["compared"]["F1"]["warning"]


def test_what_cannot_be_compared_is_told_before_anything_is_asked(run, tmp_path):
    run("--out", tmp_path / "first.json")
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(QUESTIONS[0]))
    done = run("--compare", tmp_path / "first.json", "--out", tmp_path / "second.json", task=other)
    assert (done.exit_code, "other data" in done.stderr) == (2, True)
    assert not (tmp_path / "second.json").exists()


def test_a_run_is_recorded_and_replayed(run, tmp_path):
    tape = tmp_path / "tape.jsonl"
    assert run("--record", tape).exit_code == 0
    assert any("source" in json.loads(line) for line in tape.read_text().splitlines())
    empty = SUBJECT.replace("index.add(", "print(").replace('source("pages")', 'source("pages", about="documents")')
    replayed = json.loads(run("--replay", tape, "--json", subject=SUBJECT).stdout)
    assert replayed["about"]["replayed"] is True
    assert replayed["measures"]["holds gold (rule)"]["value"] == 1.0
    assert json.loads(run("--replay", tape, "--json", subject=empty).stdout.splitlines()[-1])["failed"] == []


def test_the_known_key_is_kept_out_of_a_recording(run, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "returned within")
    run("--record", tmp_path / "tape.jsonl")
    assert "may be *** 30 days" in (tmp_path / "tape.jsonl").read_text()


def test_a_replay_without_the_exchanges_fails(run, tmp_path):
    tape = tmp_path / "tape.jsonl"
    tape.write_text("")
    done = run("--replay", tape)
    assert done.exit_code == 1
    assert "Record again" in done.stderr


def test_the_documents_of_a_folder_are_searched_where_no_assistant_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(
        "\n".join(json.dumps({"_id": f"d{n}", "title": "", "text": f"word{n} stands here"}) for n in range(12))
    )
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "1", "text": "where is word7?"}))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\td7\t1\n")
    done = CliRunner().invoke(app, ["eval", str(folder), "--json"])
    told = json.loads(done.stdout)
    assert told["measures"]["nDCG@10"]["value"] == 1.0
    assert told["about"]["subject"]["kind"] == "Index"


def test_questions_that_fail_are_told_and_where_all_do_the_command_fails(run):
    done = run(subject=FAILING)
    assert done.exit_code == 1
    assert "2 of 2 questions failed; the first, returns: the planner Fails raised RuntimeError: a bug" in done.stderr


@pytest.mark.parametrize(
    ("options", "subject", "word"),
    [
        (["--assistant", "nowhere.py"], SUBJECT, "there is no file nowhere.py"),
        ([], "x = 1", "name what is to be evaluated"),
        ([], "def assistant(model): ...", "may take `task` and `seed`"),
        ([], "assistant = 3", "cannot be evaluated"),
        ([], "x = 1\nimport nowhere_to_be_found", "mine.py, line 2: ModuleNotFoundError"),
        ([], "x = 1\nassistant = (", "mine.py, line 2: SyntaxError"),
        ([], "import sys\n\nsys.exit(3)", "mine.py, line 3: SystemExit: 3"),
        ([], "def assistant(task):\n    return task.nothing", "mine.py, line 2: AttributeError"),
        ([], "async def assistant(task): ...", "is async"),
        (["--record", "a", "--replay", "b"], SUBJECT, "leave one of them out"),
        (["--compare", "nowhere.json"], SUBJECT, "cannot be read"),
        (["--seeds", "a,b"], SUBJECT, "whole numbers"),
        (["--seeds", "1,1"], SUBJECT, "given twice"),
        (["--limit", "0"], SUBJECT, "limit"),
    ],
)
def test_what_cannot_work_is_misuse_in_one_line(run, options, subject, word):
    done = run(*options, subject=subject)
    assert done.exit_code == 2, done.stderr
    assert word in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_file_without_documents_needs_an_assistant(tmp_path):
    task = tmp_path / "faq.jsonl"
    task.write_text(json.dumps(QUESTIONS[0]))
    done = CliRunner().invoke(app, ["eval", str(task)])
    assert (done.exit_code, "--assistant" in done.stderr) == (2, True)


def test_the_example_runs(rag_command, tmp_path):
    arguments = ("examples/shop_eval.jsonl", "--assistant", "examples/shop_eval.py", "--out", tmp_path / "out.json")
    done = rag_command("eval", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["measures"]["holds gold (rule)"]["value"] == 1.0
    assert told["measures"]["sources exact"]["value"] == 1.0
    assert told["failed"] == []


def test_a_changed_prompt_says_which_recordings_are_stale(run, tmp_path, monkeypatch):
    tape, own = tmp_path / "tape.jsonl", tmp_path / "prompts"
    with_model = SUBJECT.replace("import rag", "import rag\nfrom rag.testing import FakeModel").replace(
        '([index.source("pages")])', '([index.source("pages")], model=FakeModel(lambda _: PLAN), cache=False)'
    )
    with_model = f"PLAN = '{{\"steps\": []}}'\n{with_model}"
    assert run("--record", tape, subject=with_model).exit_code == 0
    own.mkdir()
    text = (ROOT / "prompts" / "plan.md").read_text().replace("version = ", "version = 9")
    (own / "plan.md").write_text(text.replace("{{question}}", "{{question}}!"))
    monkeypatch.setenv("RAG_PROMPTS", str(own))
    done = run("--replay", tape, subject=with_model)
    assert done.exit_code == 1
    assert "error: stale: 2 exchanges of the prompt plan@" in done.stderr
    assert "now plan@9" in done.stderr
