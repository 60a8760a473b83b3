"""Our own export loses nothing, and importing twice adds nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import Memory, Scope, Turn
from rag.errors import InputError, TurnConflict
from rag.memory.exchange import exported, imported, turns_of

ANN = Scope(tenant="acme", user="ann")
AT = datetime(2026, 5, 5, 9, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
turns = st.builds(
    Turn,
    role=st.sampled_from(["user", "assistant", "tool", None]),
    speaker=st.text(max_size=8),
    text=st.text(max_size=40),
    at=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),  # zone given
    zone=st.sampled_from(ZONES),
    session=st.none() | st.text(min_size=1, max_size=6),
    metadata=st.dictionaries(st.text(max_size=6), json_values, max_size=3),
)


def contents(memory, scope):
    return {name: memory.turns(name, scope=scope) for name in memory.conversations(scope)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["c1", "c2", "ein Gespräch\n"]), turns), max_size=6))
def test_what_is_exported_and_imported_is_the_same(said):
    with Memory.open("sqlite://") as one, Memory.open("sqlite://") as other:
        for n, (conversation, turn) in enumerate(said):
            one.add(conversation, [turn.model_copy(update={"turn_id": str(n)})], scope=ANN)
        assert imported(other, turns_of(exported(one, scope=ANN)), scope=ANN) == len(said)
        assert contents(other, ANN) == contents(one, ANN)
        assert list(exported(other, scope=ANN)) == list(exported(one, scope=ANN))


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as opened:
        opened.add("c1", [Turn(turn_id="1", text="half a pair: ?", at=AT)], scope=ANN)
        opened.add("c1", [Turn(turn_id="1", text="Bob's", at=AT)], scope=Scope(user="bob"))
        yield opened


def test_only_the_scopes_turns_are_exported(memory):
    (line,) = exported(memory, scope=ANN)
    assert "Bob" not in line
    assert list(exported(memory)) == []


def test_importing_twice_adds_nothing(memory):
    lines = list(exported(memory, scope=ANN))
    assert imported(memory, turns_of(lines), scope=ANN) == 1
    assert len(memory.turns("c1", scope=ANN)) == 1


def test_another_text_for_the_same_turn_is_refused(memory):
    with pytest.raises(TurnConflict):
        imported(memory, [("c1", Turn(turn_id="1", text="other", at=AT))], scope=ANN)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"text": "no conversation"}',
        '{"conversation": "c", "text": 3}',
        "7",
        '{"conversation": 5, "text": "hi"}',
    ],
)
def test_a_line_that_is_no_turn_is_told_by_its_number(line):
    with pytest.raises(InputError, match="line 2"):
        list(turns_of(['{"conversation": "c", "turn_id": "1", "text": "fine"}', line]))
