from __future__ import annotations

import pytest

import rag
from rag.errors import ConfigError
from rag.run.effort import EFFORTS, effort_of, table
from rag.testing import FakeModel, FakeSource

ROWS = [{"title": "Leave", "text": "Parental leave lasts ten days."}]


@pytest.mark.parametrize(
    ("name", "model", "planner"),
    [
        ("none", True, "Direct"),
        ("low", True, "Rules"),
        ("medium", False, "Rules"),
        ("medium", True, "Reaper"),
        ("high", False, "EvidenceLoop"),
    ],
)
def test_effort_chooses_the_planner(name, model, planner):
    said = FakeModel(['{"steps": []}', "Ten days."]) if model else None
    answer = rag.ask("How long is parental leave?", [FakeSource("docs", ROWS)], model=said, effort=name)
    assert answer.trace[0].attributes["planner"] == planner


def test_each_thing_can_be_set_by_itself():
    assert effort_of("high", model=True, rounds=1).rounds == 1
    assert effort_of("none", model=True, planner="rules").planner == "rules"
    assert effort_of("low", model=True, replans=2).replans == 2


@pytest.mark.parametrize("wrong", [{"effort": "huge"}, {"replans": -1}, {"rounds": 0}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        rag.Assistant([FakeSource("docs", ROWS)], **wrong)


def test_the_table_tells_every_effort():
    assert [line.split()[0] for line in table().splitlines()] == list(EFFORTS)
