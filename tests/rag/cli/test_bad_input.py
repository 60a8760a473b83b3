"""Whatever is wrong ends in one clear line and the right exit code; nothing stored is lost."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag.cli.app import app

SHOP_DB = "orders=sqlite:///examples/shop/shop.db"
POLICIES = "examples/shop/policies"


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _huge(folder: Path) -> Path:
    path = _file(folder, "huge.txt", b"")
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    return path


def _empty_folder(folder: Path) -> Path:
    path = folder / "nothing"
    path.mkdir()
    return path


BAD_DOCS = {
    "missing": (lambda folder: folder / "nowhere", "no such file or folder"),
    "unknown type": (lambda folder: _file(folder, "talk.mp3", b"abc"), ".mp3"),
    "empty": (lambda folder: _file(folder, "empty.md", b""), "empty"),
    "huge": (_huge, "MB"),
    "binary": (lambda folder: _file(folder, "posing.txt", b"\x7fELF\x00\x01" * 9), "text"),
    "bad json": (lambda folder: _file(folder, "rows.jsonl", b'{"text": "fine"}\n{"text": '), "line 2"),
    "empty folder": (_empty_folder, "nothing"),
}
BAD_DATABASES = {
    "missing": ("orders=sqlite:///nowhere/shop.db", "nowhere/shop.db"),
    "no url": ("orders=shop.db", "NAME=URL"),
    "no name": ("=sqlite:///shop.db", "NAME=URL"),
    "unknown kind": ("orders=nosuchdb://host/db", "nosuchdb"),
    "no database": ("orders=sqlite:///README.md", "README.md"),
}


def _ends_in_one_line(done, code: int, *words: str) -> None:
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in lines if line.startswith(("error: ", "Error: "))] == lines[-1:]
    for word in words:
        assert word.casefold() in lines[-1].casefold()


@pytest.mark.parametrize("case", BAD_DOCS)
def test_documents_that_cannot_be_read(rag_command, tmp_path, case):
    make, word = BAD_DOCS[case]
    _ends_in_one_line(rag_command("ask", "What?", "--docs", make(tmp_path)), 2, word)


@pytest.mark.parametrize("case", BAD_DATABASES)
def test_databases_that_cannot_be_opened(rag_command, case):
    url, word = BAD_DATABASES[case]
    _ends_in_one_line(rag_command("ask", "What?", "--sql", url), 2, word)


def test_a_locked_database_is_a_failure_in_time(rag_command, tmp_path):
    path = tmp_path / "locked.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE orders (order_id TEXT PRIMARY KEY, product TEXT)")
        db.execute("BEGIN EXCLUSIVE")
        done = rag_command("ask", "Which orders are there?", "--sql", f"orders=sqlite:///{path}")
    _ends_in_one_line(done, 1, "locked")


@pytest.mark.parametrize(("question", "word"), [("", "empty"), ("  \n", "empty"), ("why " * 25_000, "20,000")])
def test_questions_that_cannot_be_asked(rag_command, question, word):
    _ends_in_one_line(rag_command("ask", question, "--sql", SHOP_DB), 2, word)


def test_nothing_to_ask_is_misuse(rag_command):
    _ends_in_one_line(rag_command("ask", "What?"), 2, "--docs")


@pytest.mark.parametrize("arguments", [["ask"], ["ask", "q", "--rounds", "0"], ["nosuch"], ["ask", "q", "--nosuch"]])
def test_a_wrong_command_line_is_misuse(rag_command, arguments):
    done = rag_command(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (["model_calls=1.5"], "model_calls=1.5 cannot be; give a whole number, 0 or more"),
        (["seconds=inf"], "seconds=inf cannot be; give a number, more than 0"),
        (["=3"], "there is no limit ''; a limit is NAME=NUMBER"),
        (["foo=3"], "there is no limit 'foo'"),
        (["usd=1", "usd=2"], "given twice"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "plan"])
def test_a_limit_that_cannot_be_is_told_in_our_words(command, limits, words):
    done = CliRunner().invoke(app, [command, "q", *(part for limit in limits for part in ("--budget", limit))])
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize("option", [["--planner", "rules"], ["--rounds", "2"], ["--replans", "1"], ["--no-retrieve"]])
def test_how_to_plan_is_not_said_with_a_plan(tmp_path, option):
    plan = _file(tmp_path, "plan.json", b'{"steps": []}')
    done = CliRunner().invoke(app, ["ask", "q", "--sql", SHOP_DB, "--plan", str(plan), *option])
    assert done.exit_code == 2
    assert "says how to plan" in done.stderr


@pytest.mark.parametrize(
    ("saved", "code", "words"),
    [
        (b"\xff\xfe\xfd", 1, "not a plan"),
        (b'{"steps": null}', 1, 'a plan is a JSON object with "steps"'),
        (b'\xef\xbb\xbf{"steps": []}', 0, ""),
    ],
)
def test_a_plan_file_of_any_bytes_is_read_or_refused(tmp_path, saved, code, words):
    plan = _file(tmp_path, "plan.json", saved)
    done = CliRunner().invoke(app, ["ask", "What is 2 + 2?", "--sql", SHOP_DB, "--plan", str(plan), "--no-cache"])
    assert done.exit_code == code, done.output
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_planner_lists_those_there_are(rag_command):
    done = rag_command("ask", "What?", "--sql", SHOP_DB, "--planner", "oracle")
    _ends_in_one_line(done, 2, "oracle", "reaper", "rules")


def test_the_traceback_is_there_when_asked_for(rag_command):
    done = rag_command("ask", "What?", "--docs", "nowhere", "--debug")
    assert "Traceback" in done.stderr


def _asked(rag_command, url: str, *more: str):
    return rag_command(
        "ask",
        "What state is order O-1016 in?",
        "--sql",
        SHOP_DB,
        "--model",
        "m",
        "--base-url",
        url,
        *more,
        OPENAI_API_KEY="sk-secret",
    )


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _still_answers(done) -> None:
    assert "O-1016" in done.stdout
    assert "sk-secret" not in done.stdout + done.stderr


def test_an_endpoint_that_is_down(rag_command):
    port = _free_port()
    done = _asked(rag_command, f"http://127.0.0.1:{port}/v1")
    _ends_in_one_line(done, 1, f"127.0.0.1:{port}")
    _still_answers(done)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        ((401, {}, '{"error": {"message": "bad key sk-secret"}}'), "OPENAI_API_KEY"),
        ((429, {"retry-after": "0.01"}, '{"error": {"message": "slow down"}}'), "refuses for now"),
        ((500, {}, "oops"), "500"),
        ((200, {}, "<html>not an API</html>"), "127.0.0.1"),
        ((200, {}, '{"choices": []}'), "m"),
    ],
)
def test_an_endpoint_that_fails(rag_command, endpoint, reply, word):
    with endpoint(lambda _: reply) as url:
        done = _asked(rag_command, url)
    _ends_in_one_line(done, 1, word)
    _still_answers(done)


def test_an_endpoint_that_is_slow(rag_command, endpoint):
    from threading import Event

    release = Event()
    with endpoint(lambda _: str(release.wait(20))) as url:
        done = _asked(rag_command, url, "--timeout", "0.2")
        release.set()
    _ends_in_one_line(done, 1, "did not answer in time")
    _still_answers(done)


RING = {
    "steps": [{"id": f"s{a}", "source": "orders", "args": {"query": f"$s{b}.product"}} for a, b in ((1, 2), (2, 1))]
}


@pytest.mark.parametrize(
    "written",
    [
        "I would ask the orders database first.",
        '{"steps": [',
        '{"steps": [{"id": "s1", "source": "weather", "args": {"city": "Oslo"}}]}',
        json.dumps(RING),
    ],
)
def test_a_plan_that_is_none_falls_back_to_rules_with_a_note(rag_command, endpoint, written):
    def reply(body) -> str:
        planning = "response_format" in body
        return written if planning else "O-1016 was returned [1]."

    with endpoint(reply) as url:
        done = _asked(rag_command, url)
    assert done.returncode == 0, done.stderr
    assert "rules" in done.stdout.split("Notes")[1]
    _still_answers(done)


def _folder(parent: Path, name: str, text: str) -> Path:
    folder = parent / name
    folder.mkdir()
    _file(folder, f"{name}.md", text.encode())
    return folder


def test_what_else_an_index_holds_is_left_alone(rag_command, tmp_path):
    at = tmp_path / "index"
    tea = _folder(tmp_path, "tea", "# Tea\nGreen tea is steeped at 75 degrees.")
    coffee = _folder(tmp_path, "coffee", "# Coffee\nA moka pot takes five minutes.")
    assert rag_command("index", tea, "--index", at).returncode == 0
    assert rag_command("ask", "How long does a moka pot take?", "--docs", coffee, "--index", at).returncode == 0
    assert "75 degrees" in rag_command("ask", "How hot is green tea steeped?", "--index", at).stdout


def test_a_file_that_cannot_be_read_now_keeps_its_place_in_the_index(rag_command, tmp_path):
    at, docs = tmp_path / "index", _folder(tmp_path, "docs", "# Tea\nGreen tea is steeped at 75 degrees.")
    _file(docs, "coffee.md", b"# Coffee\nA moka pot takes five minutes.")
    rag_command("index", docs, "--index", at)
    _file(docs, "docs.md", b"\x00\x01\x02" * 99)
    done = rag_command("ask", "How hot is green tea steeped?", "--docs", docs, "--index", at)
    assert "75 degrees" in done.stdout
    assert "skipped" in done.stderr


def test_a_file_that_is_gone_leaves_the_index(rag_command, tmp_path):
    at, docs = tmp_path / "index", _folder(tmp_path, "docs", "# Tea\nGreen tea is steeped at 75 degrees.")
    coffee = _file(docs, "coffee.md", b"# Coffee\nA moka pot takes five minutes.")
    rag_command("index", docs, "--index", at)
    coffee.unlink()
    assert rag_command("index", docs, "--index", at).stdout.strip() == "docs: 1 document"


def test_neither_passwords_nor_control_characters_reach_the_terminal(rag_command, tmp_path):
    docs = _folder(tmp_path, "docs", "# Tea\nGreen tea.")
    _file(docs, "\x1b[31mred.mp3", b"x")
    done = rag_command("ask", "Tea?", "--docs", docs, "--sql", "postgresql://ann:sekret@127.0.0.1/shop")
    assert done.returncode == 2
    assert "sekret" not in done.stderr
    assert "\x1b" not in done.stderr
