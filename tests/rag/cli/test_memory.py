"""`rag memory`, command by command."""

import json

import pytest
from click.testing import CliRunner

from rag.cli.app import app

MAY = "2026-05-05T09:00:00+00:00"


@pytest.fixture
def rag(tmp_path):
    url = f"sqlite:///{tmp_path / 'chat.db'}"

    def run(command, *arguments, user="ann", code=0):
        done = CliRunner().invoke(app, ["memory", command, *arguments, "--memory", url, "--user", user])
        assert done.exit_code == code, done.output
        return done.stdout if code == 0 else done.stderr

    run("add", "c1", "Do you sell kettles?", "--role", "user", "--at", MAY)
    run("add", "c1", "Yes, three kinds.", "--role", "assistant", "--at", "2026-05-05T09:01:00+00:00")
    return run


def test_what_was_added_is_recalled_by_its_time(rag):
    told = rag("recall", "What did we talk about last Tuesday?", "--now", "2026-05-12T09:00:00+00:00")
    assert told.splitlines()[0] == "window: Tuesday, 5 May 2026"
    assert "user, Tuesday, 5 May 2026, 09:00: Do you sell kettles?" in told


def test_a_recall_is_json_where_it_is_asked_for(rag):
    told = json.loads(rag("recall", "kettles", "-k", "1", "--json"))
    assert told["turns"][0]["text"] == "Do you sell kettles?"


def test_others_recall_nothing(rag):
    assert rag("recall", "kettles", user="bob") == "nothing\n"


def test_the_timeline_lists_sessions(rag):
    assert rag("timeline") == "1. Tuesday, 5 May 2026, 09:00–09:01 (UTC): c1, 2 turns\n"


def test_a_profile_is_made_when_it_is_refreshed(rag):
    rag("add", "c1", "I live in Rome. I love tea.", "--role", "user", "--at", MAY)
    assert rag("profile") == ""
    told = (
        "I live in Rome. I love tea.\nhome: Rome (since Tuesday, 5 May 2026)\nlikes: tea (since Tuesday, 5 May 2026)\n"
    )
    assert rag("profile", "--refresh") == told
    assert rag("profile", user="bob") == ""
    assert rag("profile", "--as-of", "2026-05-04T00:00:00+00:00") == ""


def test_an_export_is_imported_by_another(rag, tmp_path):
    (tmp_path / "turns.jsonl").write_text(rag("export"))
    assert rag("import", str(tmp_path / "turns.jsonl"), user="bob") == "2 turns added\n"
    assert rag("import", str(tmp_path / "turns.jsonl"), user="bob") == "0 turns added, 2 were there already\n"
    assert rag("export", user="bob") == rag("export")


def test_a_file_that_is_not_in_utf8_is_told(rag, tmp_path):
    (tmp_path / "old.jsonl").write_bytes('{"conversation": "c", "text": "Grüße"}'.encode("latin-1"))
    assert "is not in UTF-8" in rag("import", str(tmp_path / "old.jsonl"), code=2)


@pytest.mark.parametrize("system", ["UTC", "America/New_York"])
def test_yesterday_counts_from_the_day_where_the_time_is_told(rag, monkeypatch, system):
    monkeypatch.setenv("TZ", system)
    rag("add", "c1", "On Monday", "--at", "2026-05-11T09:00+02:00")
    told = rag("recall", "What did we talk about yesterday?", "--now", "2026-05-12T00:30+02:00")
    assert told.splitlines()[0] == "window: Monday, 11 May 2026"
    assert "On Monday" in told


@pytest.mark.parametrize(
    ("options", "hours"),
    [
        (("--at", "2026-05-11T09:00", "--zone", "Europe/Berlin"), "09:00–09:00 (Europe/Berlin)"),
        (("--at", "2026-05-11T09:00Z", "--zone", "Europe/Berlin"), "11:00–11:00 (Europe/Berlin)"),
        (("--at", "2026-05-11T09:00+05:30"), "09:00–09:00 (Asia/Kolkata)"),
        (("--at", "2026-05-11T09:00"), "09:00–09:00 (America/New_York)"),
    ],
)
def test_a_time_is_that_of_the_zone_it_is_told_in(rag, monkeypatch, options, hours):
    monkeypatch.setenv("TZ", "America/New_York")
    rag("add", "c2", "Hello", *options)
    assert hours in rag("timeline", "--conversation", "c2")


def test_a_time_before_all_others_is_one(rag):
    assert json.loads(rag("forget", "--before", "0001-01-01T00:00+02:00", "--yes"))["removed"]["turns"] == 0


def test_forgetting_prints_a_receipt(rag):
    receipt = json.loads(rag("forget", "--conversation", "c1", "--yes"))
    assert receipt["removed"]["turns"] == 2
    assert rag("timeline") == ""


def test_forgetting_asks_first(rag):
    rag("forget", "--conversation", "c1", code=1)
    assert rag("timeline") != ""


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("recall", "kettles", "--now", "soon"), "'soon' is no time"),
        (("forget", "--yes"), "forget what"),
        (("timeline", "--tenant", ""), "--tenant '' names nobody"),
        (("add", "c", "hi", "--zone", "Nowhere/Foo"), "'Nowhere/Foo' is no time zone"),
        (("import", __file__), "no turn"),
    ],
)
def test_misuse_is_told_in_one_line(rag, command, said):
    told = rag(*command, code=2)
    assert said in told
    assert told.count("\n") == 1
