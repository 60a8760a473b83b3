"""Sources of one name over other data: a file that both keep their rows in gives each its own."""

from __future__ import annotations

import functools

import rag

QUESTION = "How long is the leave?"


def ours(query: str) -> list[dict]:
    return [{"text": "Ten days of leave."}]


def theirs(query: str) -> list[dict]:
    return [{"text": "Five days of leave."}]


def told(function, path, **options):
    with rag.Assistant([rag.source("docs", function, ttl=60, **options)], cache=path) as assistant:
        return assistant.ask(QUESTION).text


def test_functions_do_not_share_what_they_returned(tmp_path):
    assert "Ten" in told(ours, tmp_path / "kept.db")
    assert "Five" in told(theirs, tmp_path / "kept.db")
    assert "Ten" in told(functools.partial(ours), tmp_path / "kept.db")


def test_closures_over_other_data_are_told_apart_by_the_identity_that_they_are_given(tmp_path):
    def of(days):
        def docs(query: str) -> list[dict]:
            return [{"text": f"{days} days of leave."}]

        return docs

    assert "Ten" in told(of("Ten"), tmp_path / "kept.db", identity="a")
    assert "Five" in told(of("Five"), tmp_path / "kept.db", identity="b")
