"""Texts from outside steer nothing: which sources are called, with which arguments, whose data is read.

The real driver, planners and sources run over a text that stands in one place; the same question over a
harmless text in that place is what it is measured by. The model plans as it should and, where it reads,
repeats and obeys all that it is shown: whatever it writes is an answer, and nothing but an answer.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from rag.shown import printable
from rag.types import Answer

FENCE = re.compile(r"\s*^<passage \d+>\n(.*?)\n</passage \d+>$\s*", re.M | re.S)
ROLES = re.compile(
    r"<[|｜]|</?s>|<</?SYS|<(?:start|end)_of_turn|</?(?:system|user|assistant|human|think|tool_call)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|^\s*#+ *(?:Instruction|Response|System|User|Assistant)s? *:|^--- (?:system|user) ---",
    re.M | re.I,
)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufe00-\ufe0f"
    "\U000e0000-\U000e0fff]"
)
NOT_FENCED = ("about", "table", "column", "value", "turn", "speaker", "example")
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def test_a_text_steers_nothing(case, world):
    outcome, harmless = world.asked(case), world.baseline(case)
    if outcome is None:
        return  # refused where it came in
    put = {"referred cell": "The lid fits well."}.get(case.channel, "Lamp")
    if case.planner == "evidence_loop":  # what was found leads on: its words are searched for, in the same sources
        assert {(name, *sorted(args)) for name, args, _ in outcome.calls} <= {
            (name, *sorted(args)) for name, args, _ in harmless.calls
        }
    else:
        assert told(outcome, case.text if put != "Lamp" else put) == told(harmless, put)
    assert {scope for _, _, scope in outcome.calls} == {scope for _, _, scope in harmless.calls}
    check_prompts(outcome, harmless, case)
    check_citations(outcome.answer)
    check_display(outcome.answer)
    assert "canary-of-globex" not in f"{outcome.seen}{outcome.answer.model_dump_json()}"


def test_a_text_from_every_place_arrives(channel, put_into, world):
    outcome = world.asked(put_into("zanzibar and spices", channel))
    assert "zanzibar" in f"{outcome.seen}{outcome.answer.model_dump_json()}"


def told(outcome, text) -> list[Any]:
    """The calls, with a mark in place of what was put in by reference, or came from a draft."""
    question = outcome.answer.question
    calls = []
    for name, args, _ in outcome.calls:
        query = args.get("query", "")
        if query.endswith(f" {question}"):
            query = f"… {question}"
        elif name in ("pages", "reviews"):
            query = query.replace(text, "…")
        calls.append((name, {**args, "query": query}))
    return sorted(calls, key=str)


def check_prompts(outcome, harmless, case) -> None:
    assert [[m.role for m in messages] for messages in outcome.seen] == [
        [m.role for m in messages] for messages in harmless.seen
    ]
    for messages, usual in zip(outcome.seen, harmless.seen, strict=True):
        assert messages[0] == usual[0]
        body, due = messages[-1].content, usual[-1].content
        assert not ROLES.search(body)
        assert not UNSEEN.search(body)
        outside, expected = outside_fences(body), outside_fences(due)
        assert not re.search(r"<\s*/?\s*passage", "\n".join(outside))
        assert len(outside) == len(expected)
        if case.channel not in NOT_FENCED and case.planner not in ("react", "replanned"):
            assert outside == expected
        body.encode()


def outside_fences(body: str) -> list[str]:
    """The lines that are no passage's, nor tell of a row that was found: how many are found may differ."""
    lines = FENCE.sub("\n", body).split("\n")
    return [line for line in lines if line and not re.match(r"- |Found \d+ rows?:|\(\d+ more\)$", line)]


def check_citations(answer: Answer) -> None:
    keys = {item.key for item in answer.evidence.items}
    for citation in answer.citations:
        passage = citation.passage
        assert (passage.source, passage.chunk_id) in keys
        assert answer.text[citation.start : citation.end] == f"[{citation.n}]"
        assert citation.quote in passage.text
    # Nor may Markdown take a citation for a link of the text's own.
    prose = re.sub(r"```.*?```|`[^`\n]+`", "", answer.text, flags=re.S)
    assert not re.search(r"\[\d+\]\(|^ {0,3}\[\d+\]:", prose, re.M)


def check_display(answer: Answer) -> None:
    assert not OBEYED.search(str(answer))
    listed = str(answer).removeprefix(printable(answer.text)).lstrip().split("\n")
    assert [line[:1] for line in listed[: len(answer.cited)]] == ["["] * len(answer.cited)
    assert len(listed) == len(answer.cited) + answer.partial + len(answer.notes)
    assert not OBEYED.search(f"{answer.plan}{answer.trace}")
    page = Page()
    for each in (answer, answer.plan, answer.trace):
        page.feed(each._repr_mimebundle_()["text/html"])
    assert page.bad == []


class Page(HTMLParser):
    """What of a page could run, load or hide something."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "img", "style", "link", "iframe", "object", "form", "a") or tag.startswith("on"):
            self.bad.append(tag)
        self.bad += [name for name, _ in attrs if name.startswith("on") or name in ("src", "href", "srcdoc")]
