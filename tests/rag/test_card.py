"""What a card tells of a source."""

from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError, create_model

from rag.card import SourceCard


class State(Enum):
    OPEN = "open"
    SHUT = "shut"


class Part(BaseModel):
    parts: "list[Part]" = []


def card(**arguments) -> SourceCard:
    return SourceCard(name="f", arguments=create_model("Arguments", **arguments))


def test_the_signature_tells_types_that_are_defined_apart():
    told = card(state=(State, ...), states=(list[State] | None, None), part=(Part, ...), n=(int | None, None))
    assert told.signature == 'f(state: "open" | "shut", states?: list of "open" | "shut", part: object, n?: integer)'


def test_a_type_that_refers_to_itself_has_a_signature():
    class Tree(SourceCard):
        @property
        def argument_schema(self):
            tree = {"type": "array", "items": {"$ref": "#/$defs/Tree"}}
            return {"properties": {"tree": {"$ref": "#/$defs/Tree"}}, "$defs": {"Tree": tree}}

    assert Tree(name="f").signature == "f(tree?: list of any)"


def test_declared_choices_change_the_fingerprint():
    one, other = card(state=(Literal["open", "shut"], ...)), card(state=(Literal["open", "lost"], ...))
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize("ttl", [0, -5, float("nan")])
def test_rows_are_kept_for_some_time_or_not_at_all(ttl):
    with pytest.raises(ValidationError, match="ttl"):
        SourceCard(name="docs", ttl=ttl)
