"""Recording and replay of a model's exchanges."""

import asyncio
import json

import pytest

from rag.errors import ConfigError, ContextTooLong
from rag.evaluate.exchanges import NotRecorded
from rag.protocols import Message, Model
from rag.testing import Cassette, FakeModel

PLAN = [Message("system", "plan"), Message("user", "which kettle?")]
SCHEMA = {"type": "object", "required": ["steps"]}


def ask(model, messages=PLAN, **call):
    return asyncio.run(model.complete(messages, **call))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plans.jsonl"


@pytest.fixture
def recorded(path):
    """A file with one exchange, and what the real model had answered."""
    return path, ask(Cassette(path, FakeModel(["ember"], name="real"), mode="record"), schema=SCHEMA)


def test_it_is_a_model(recorded):
    cassette = Cassette(recorded[0])
    assert isinstance(cassette, Model)
    assert cassette.name == "real"


def test_what_was_recorded_plays_again_and_again(recorded):
    path, reply = recorded
    cassette = Cassette(path)
    assert [ask(cassette, schema=SCHEMA), ask(cassette, schema=SCHEMA)] == [reply, reply]


def test_a_replay_streams(recorded):
    pieces = []
    ask(Cassette(recorded[0]), schema=SCHEMA, on_token=pieces.append)
    assert pieces == ["ember"]


@pytest.mark.parametrize(
    ("messages", "schema"), [(PLAN, None), (PLAN[1:], SCHEMA), ([PLAN[0], Message("user", "other")], SCHEMA)]
)
def test_another_prompt_or_schema_is_missed_loudly(recorded, messages, schema):
    with pytest.raises(NotRecorded, match="Record again") as caught:
        ask(Cassette(recorded[0]), messages, schema=schema)
    assert messages[-1].content in str(caught.value)


def test_the_order_of_a_schemas_keys_does_not_matter(recorded):
    path, reply = recorded
    assert ask(Cassette(path), schema=dict(reversed(SCHEMA.items()))) == reply


def test_a_limit_on_the_reply_does_not_matter(recorded):
    path, reply = recorded
    assert ask(Cassette(path), schema=SCHEMA, max_tokens=7) == reply


def test_what_nobody_asked_for_is_listed(recorded):
    cassette = Cassette(recorded[0])
    assert cassette.unplayed() == ("which kettle?",)
    ask(cassette, schema=SCHEMA)
    assert cassette.unplayed() == ()


def test_recording_adds_what_is_missing_and_pays_for_nothing_twice(recorded):
    model = FakeModel(["swift"])
    cassette = Cassette(recorded[0], model, mode="record")
    assert ask(cassette, schema=SCHEMA).text == "ember"
    assert ask(cassette).text == "swift"
    assert len(model.calls) == 1
    assert len(recorded[0].read_text().splitlines()) == 2


def test_a_failed_call_fails_again_in_a_replay_and_is_made_again_by_the_next_recording(path):
    with pytest.raises(ContextTooLong):
        ask(Cassette(path, FakeModel([ContextTooLong("too long")]), mode="record"))
    with pytest.raises(ContextTooLong, match="too long"):
        ask(Cassette(path))
    assert ask(Cassette(path, FakeModel(["fits"]), mode="record")).text == "fits"
    assert ask(Cassette(path)).text == "fits"


def test_runs_of_several_seeds_keep_their_own_replies(path):
    for seed in ("", "1"):
        ask(Cassette(path, FakeModel([f"reply {seed}"]), mode="record", salt=seed))
    assert [ask(Cassette(path, salt=seed)).text for seed in ("", "1")] == ["reply ", "reply 1"]


def test_secrets_are_kept_out_of_the_file_and_do_not_matter_for_replay(path):
    def prompt(key, host):
        return [Message("user", f"call {host} with {key}")]

    cassette = Cassette(
        path, FakeModel(["sk-reply-secret-1 for db.internal"]), mode="record", secrets=["db.internal", ""]
    )
    assert "sk-reply-secret-1" in ask(cassette, prompt("sk-first-secret-1", "db.internal")).text
    written = path.read_text()
    assert "secret" not in written
    assert "internal" not in written
    assert ask(Cassette(path, secrets=["other.host"]), prompt("sk-second-key-22", "other.host")).text == "*** for ***"


def test_the_same_exchange_is_the_same_line_on_any_machine(path):
    ask(Cassette(path, FakeModel(["ember"], name="real"), mode="record"), schema=SCHEMA)
    exchange = json.loads(path.read_text())
    assert exchange["key"] == "b9f11ff68f45cd51"
    assert exchange["schema"] == "d941d5e536b7481b"
    assert set(exchange) == {"key", "model", "prompt", "messages", "schema", "reply", "finish", "usage"}


@pytest.mark.parametrize("reply", ["two\nlines", "a\u2028separator", "日本語 ✓", '{"steps": []}'])
def test_any_text_survives(path, reply):
    ask(Cassette(path, FakeModel([reply]), mode="record"))
    assert ask(Cassette(path)).text == reply


def test_recording_needs_a_model(path):
    with pytest.raises(ConfigError, match="needs the model"):
        Cassette(path, mode="record")


def test_a_missing_file_and_a_damaged_one_are_told(path):
    with pytest.raises(ConfigError, match="No such file"):
        Cassette(path)
    path.write_text("{broken\n")
    with pytest.raises(ConfigError, match="damaged"):
        Cassette(path)
