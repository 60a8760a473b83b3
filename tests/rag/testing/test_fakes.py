"""The stand-ins keep the same contracts as the real parts."""

import asyncio

import numpy as np
import pytest

from rag.protocols import Embedder, Message, Model, Source
from rag.testing import FakeEmbedder, FakeModel, FakeSource
from rag.testing.sources import check_source
from rag.types import Scope

HI = [Message("system", "be brief"), Message("user", "hi")]


def ask(model, **call):
    return asyncio.run(model.complete(HI, **call))


def test_they_are_what_they_stand_in_for():
    assert isinstance(FakeModel([]), Model)
    assert isinstance(FakeEmbedder(), Embedder)
    assert isinstance(FakeSource("s"), Source)


def test_a_fake_model_answers_in_order_and_keeps_its_calls():
    model = FakeModel(["one", "two"])
    assert [ask(model, schema={"type": "object"}, max_tokens=5).text, ask(model).text] == ["one", "two"]
    assert model.calls[0].schema == {"type": "object"}
    assert model.calls[0].max_tokens == 5
    assert model.calls[1].prompt == "be brief\nhi"


def test_a_fake_model_answers_by_a_function():
    assert ask(FakeModel(lambda messages: messages[-1].content.upper())).text == "HI"


def test_a_fake_model_without_replies_left_says_so():
    model = FakeModel(["one"])
    ask(model)
    with pytest.raises(LookupError, match="no reply left for call 2"):
        ask(model)


def test_a_fake_model_raises_an_error_given_as_reply():
    model = FakeModel([TimeoutError("late"), "on time"])
    with pytest.raises(TimeoutError, match="late"):
        ask(model)
    assert ask(model).text == "on time"


@pytest.mark.parametrize("text", ["hello there, world", " padded  \n", "", "one"])
def test_a_fake_model_streams_all_of_its_reply(text):
    pieces = []
    ask(FakeModel([text]), on_token=pieces.append)
    assert "".join(pieces) == text


def test_a_fake_model_estimates_usage():
    usage = ask(FakeModel(["hello"])).usage
    assert usage.estimated
    assert usage.model_calls == 1
    assert usage.prompt_tokens > usage.completion_tokens > 0


def test_fake_vectors_are_unit_and_the_same_anywhere():
    vectors = FakeEmbedder(32).embed(["red kettle", "kettle red", "", "!"])
    assert vectors.shape == (4, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.array_equal(vectors[0], vectors[1])
    assert FakeEmbedder(64).embed(["kettle"])[0][:2].tolist() == pytest.approx(
        [0.10170000046491623, -0.017400000244379044], abs=1e-4
    )


def test_a_fake_source_keeps_the_contract_of_a_source():
    source = FakeSource("reviews", [{"text": "good"}])
    asyncio.run(check_source(source, {"query": "battery"}))


def test_a_fake_source_answers_by_a_function_and_raises_errors():
    source = FakeSource("echo", lambda args: [{"text": args["query"]}])
    assert asyncio.run(source.call({"query": "x"}, Scope())) == [{"text": "x"}]
    with pytest.raises(TimeoutError):
        asyncio.run(FakeSource("down", TimeoutError()).call({"query": "x"}, Scope()))


def test_the_rows_of_a_fake_source_are_copies():
    source = FakeSource("reviews", [{"text": "good"}])
    asyncio.run(source.call({"query": "x"}, Scope()))[0]["text"] = "changed"
    assert asyncio.run(source.call({"query": "x"}, Scope())) == [{"text": "good"}]
