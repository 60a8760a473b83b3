"""The 30 questions over the example shop: sources and waiting steps, by hand-made cards and word overlap."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from planners.language import content
from planners.rules import Rules

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
QUESTIONS = json.loads((EXAMPLES / "shop_questions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def relevance():
    """The share of a text's words, rare ones counting for more, that the best page of each folder has."""
    pages = {
        folder: [
            set(content(page.read_text(encoding="utf-8"))) for page in sorted((EXAMPLES / "shop" / folder).iterdir())
        ]
        for folder in ("policies", "products", "reviews")
    }
    total = sum(map(len, pages.values()))
    seen = Counter(word for folder in pages.values() for page in folder for word in page)

    def share(text: str) -> dict[str, float]:
        weights = {word: math.log(1 + total / (1 + seen[word])) for word in content(text)}
        best = {
            folder: max(sum(weights[w] for w in weights if w in page) for page in pages[folder]) for folder in pages
        }
        return {folder: found / (sum(weights.values()) or 1) for folder, found in best.items()}

    return share


@pytest.fixture(scope="module")
def routed(planned, task, shop, relevance):
    return {q["id"]: planned(Rules(), task(q["question"], shop), relevance) for q in QUESTIONS}


def _asked(plan):
    return {step.source for step in plan.steps if not step.if_empty}


@pytest.mark.parametrize("question", QUESTIONS, ids=[question["id"] for question in QUESTIONS])
def test_records_are_asked_where_they_are_needed_and_the_steps_that_need_them_wait(question, routed):
    plan = routed[question["id"]]
    steps = {step.id: step for step in plan.steps}
    waits = {(step.source, steps[needed].source) for step in plan.steps for needed in step.needs}
    assert ("orders" in _asked(plan)) == ("orders" in question["sources"]), str(plan)
    assert waits >= {(later, earlier) for later, earlier in question["depends"]}, str(plan)
    assert bool(plan.steps) == bool(question["sources"])


def test_overlap_of_words_alone_finds_nearly_all_sources(routed):
    missed = {q["id"] for q in QUESTIONS if _asked(routed[q["id"]]) != set(q["sources"])}
    # Word for word, a product's page and its reviews hold the same of these; the index tells them apart by meaning.
    assert missed <= {"q10", "q14", "q21", "q28"}
