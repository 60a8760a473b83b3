"""Each hostile text in each value of a reader's prompt: it stays in its place, and speaks as nobody."""

from __future__ import annotations

import re

from prompts import load
from prompts.inert import inert
from rag.read.cited import request
from rag.read.extractive import extract
from rag.read.fence import render_passages
from rag.types import Evidence, EvidenceItem, Passage, Turn

FENCES = re.compile(r"<\s*/?\s*passage[^>]*>")
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufe00-\ufe0f\ud800-\udfff\U000e0000-\U000e0fff]"
)
ROLES = re.compile(r"<[|｜]|</?s>|\[/?INST\]|<</?SYS|<(?:start|end)_of_turn|</?(?:system|user|think)>")


def item(text: str, **fields: object) -> EvidenceItem:
    return EvidenceItem(passage=Passage(doc_id="d", chunk_id="d#0", text=text, **fields), step_id="s1")


def messages(text: str) -> tuple[tuple[str, str], ...]:
    wanted = request("Is it free?", [item(text, title="Prices"), item("It costs 3 EUR.")])
    return load(wanted.prompt).render(wanted.values)


def test_a_passage_cannot_leave_its_fence(hostile):
    (system, rules), (user, body) = messages(hostile)
    assert (system, user) == ("system", "user")
    assert rules == messages("harmless")[0][1]
    assert FENCES.findall(body) == ["<passage 1>", "</passage 1>", "<passage 2>", "</passage 2>"]
    assert body.endswith("Question: Is it free?\nAnswer:")


def test_a_title_a_source_and_metadata_cannot_either(hostile):
    rendered = render_passages([item("Fine.", title=hostile, source=hostile, metadata={"date": hostile, hostile: 1})])
    assert FENCES.findall(rendered) == ["<passage 1>", "</passage 1>"]
    assert rendered.count("\n---\n") == 1


def test_a_turn_keeps_to_its_line(hostile):
    turns = [Turn(speaker=hostile, text=hostile), Turn(role="tool", text=hostile)]
    said = request("Is it free?", (), turns, "chat").values["conversation"]
    assert said.count("\n") == 4
    assert not ROLES.search(said)


def test_a_prompt_holds_no_unseen_sign_and_no_mark_of_a_chat_template(hostile):
    body = messages(hostile)[1][1]
    assert not UNSEEN.search(body)
    assert not ROLES.search(body)
    body.encode("utf-8")
    assert inert(inert(hostile)) == inert(hostile)


def test_an_extracted_answer_cites_its_passages_alone(hostile):
    passage = Passage(doc_id="d", chunk_id="d#0", title=hostile, text=f"Delivery is free. {hostile}", source="shop")
    row = Passage(doc_id="r", chunk_id="r#0", text=f"delivery: {hostile}", source="rows")
    items = [
        EvidenceItem(passage=passage, step_id="s1", query="What does delivery cost?"),
        EvidenceItem(passage=row, step_id="s2", query="delivery", fields={"delivery": hostile}),
    ]
    draft = extract("What does delivery cost?", Evidence(items=tuple(items)))
    places = {(citation.start, citation.end) for citation in draft.citations}
    assert {match.span() for match in re.finditer(r"\[\d+\]", draft.text)} == places
    assert not re.search(r"【\d+|\[\d+\]\(", draft.text)
    assert all(citation.passage in (passage, row) for citation in draft.citations)
