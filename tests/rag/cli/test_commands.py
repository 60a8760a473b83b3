"""The commands, as a person runs them."""

from __future__ import annotations

import json
import re

from rag.plan import Plan
from rag.shown import printable
from rag.types import Answer

SHOP = ("--docs", "examples/shop", "--sql", "orders=sqlite:///examples/shop/shop.db")
QUESTION = "Can I return the headphones from my last order, and what do buyers say about their battery?"


def test_ask_prints_plan_answer_sources_and_that_no_model_was_used(rag_command):
    done = rag_command("ask", QUESTION, *SHOP)
    assert done.returncode == 0, done.stderr
    plan, rest = done.stdout.split("Answer", 1)
    assert all(f"{name}(" in plan for name in ("orders", "policies", "reviews"))
    assert "30 days" in rest
    assert re.search(r"\[1\].*\n", rest.split("Sources")[1])
    assert "no model was used" in rest.split("Notes")[1]


def test_json_is_the_answer(rag_command):
    done = rag_command("ask", "What state is order O-1016 in?", *SHOP, "--json")
    answer = Answer.model_validate_json(done.stdout)
    assert "returned" in answer.text
    assert answer.plan.steps[0].source == "orders"


def test_the_trace_follows_the_answer_where_it_is_asked_for(rag_command):
    done = rag_command("ask", "What state is order O-1016 in?", *SHOP, "--trace", PYTHONIOENCODING="ascii")
    answer, trace = done.stdout.split("\nTrace\n")
    assert "Sources" in answer
    assert trace.startswith("question  Rules")
    assert re.search(r"^\| ` orders +\d+ rows? .* m?s +=+$", trace, re.MULTILINE)


def test_plan_runs_nothing_and_can_be_saved(rag_command):
    shown = rag_command("plan", QUESTION, *SHOP)
    saved = rag_command("plan", QUESTION, *SHOP, "--json")
    assert shown.stdout.startswith("Plan: ")
    assert {step.source for step in Plan.from_json(saved.stdout).steps} >= {"orders", "policies", "reviews"}


def test_chat_remembers_what_was_said(rag_command, tmp_path):
    memory = f"sqlite:///{tmp_path / 'chat.db'}"
    done = rag_command("chat", *SHOP, "--memory", memory, stdin="How long can I return headphones?\n\n")
    assert "30 days" in done.stdout
    from rag.memory import Memory

    with Memory.open(memory) as kept:
        assert [turn.role for turn in kept.turns("terminal")] == ["user", "assistant"]


def test_index_counts_and_reads_only_what_changed(rag_command, tmp_path):
    done = rag_command("index", "examples/shop", "--index", tmp_path / "index")
    assert done.stdout.split("\n")[:3] == ["policies: 9 documents", "products: 40 documents", "reviews: 60 documents"]


def test_doctor_finds_this_installation_fine(rag_command):
    done = rag_command("doctor")
    assert "embedder" in done.stdout
    assert "BAD" not in done.stdout


def test_what_is_printed_cannot_command_the_terminal():
    assert printable("\x1b]0;owned\x07a\u202eb\u200b\nc") == "]0;ownedab\nc"


def test_help_names_every_command(rag_command):
    assert all(name in rag_command("--help").stdout for name in ("ask", "plan", "chat", "index", "serve", "doctor"))


def test_json_has_the_documented_fields(rag_command):
    answer = json.loads(rag_command("ask", "Hello!", *SHOP, "--json").stdout)
    assert {"text", "citations", "evidence", "plan", "usage", "trace", "partial", "notes"} <= answer.keys()
    assert answer["plan"]["steps"] == []


def test_json_keeps_every_character_and_goes_through_any_pipe(rag_command, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "family.md").write_text(
        "# Family\nThe family emoji is \U0001f468\u200d\U0001f467, said Zoë.", encoding="utf-8"
    )
    done = rag_command("ask", "What is the family emoji?", "--docs", docs, "--json", PYTHONIOENCODING="ascii")
    assert "\U0001f468\u200d\U0001f467" in Answer.model_validate_json(done.stdout).text


def test_a_claim_is_decided_where_that_form_is_wanted(rag_command):
    done = rag_command("ask", "The Heron headphones can be returned.", *SHOP, "--form", "claim", "--drop", "--json")
    answer = Answer.model_validate_json(done.stdout)
    assert answer.verdict is not None
    assert answer.text.startswith(f"{answer.verdict.outcome.capitalize()}. ")
    assert all(citation.supported for citation in answer.citations)
    refused = rag_command("ask", "Hello!", *SHOP, "--check", "none", "--drop")
    assert "needs a check" in refused.stderr
