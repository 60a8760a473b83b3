"""The model in process. The library is an extra, so a stand-in of it serves a real HTTP endpoint here."""

import asyncio
import sys
import types

import pytest

from rag.errors import ModelError, ModelTimeout
from rag.models import LocalModel, model
from rag.protocols import Message

HI = [Message("user", "hi")]


@pytest.fixture
def library(endpoint, monkeypatch):
    """A module with the few names of the library that are used, and a record of what it was told."""
    told = types.SimpleNamespace(started=[], alive=0, broken=False)

    class Server:
        def __init__(self, params):
            if told.broken:
                raise RuntimeError("Failed to init server")
            told.started.append(params)
            told.alive += 1
            self.listening_address = f"http://{endpoint.host}"

        def __del__(self):
            told.alive -= bool(hasattr(self, "listening_address"))

    module = types.ModuleType("xllamacpp")
    module.CommonParams = lambda: types.SimpleNamespace(model=types.SimpleNamespace(path=""))
    module.Server = Server
    module.__spec__ = types.SimpleNamespace(name="xllamacpp")
    monkeypatch.setitem(sys.modules, "xllamacpp", module)
    return told


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF and more")
    return path


def test_it_is_served_once_to_this_process_alone(library, weights, endpoint):
    endpoint.says("hello")

    async def ask():
        async with LocalModel(weights, context=512) as model:
            replies = await asyncio.gather(*(model.complete(HI) for _ in range(5)))
            return model.name, {reply.text for reply in replies}

    assert asyncio.run(ask()) == ("small", {"hello"})
    (params,) = library.started
    assert (params.model.path, params.hostnames, params.port, params.n_ctx) == (str(weights), ["127.0.0.1"], 0, 512)
    assert endpoint.headers[0]["Authorization"] == f"Bearer {params.api_keys[0]}"
    assert len(params.api_keys[0]) >= 24


def test_closing_stops_the_server_and_a_later_call_starts_it_again(library, weights, endpoint):
    endpoint.says("hello")

    async def ask():
        model = LocalModel(weights)
        for _ in range(2):
            await model.complete(HI)
            await model.aclose()

    asyncio.run(ask())
    assert library.alive == 0
    assert len(library.started) == 2


def test_nothing_is_loaded_before_the_first_call(library, weights):
    LocalModel(weights).close()
    assert library.started == []


def test_weights_that_do_not_load_are_a_model_error(library, weights):
    library.broken = True
    with pytest.raises(ModelError, match=r"small\.gguf could not be loaded"):
        asyncio.run(LocalModel(weights).complete(HI))


def test_the_time_that_a_call_may_take_reaches_the_model_in_process(library, weights, endpoint):
    endpoint.hangs()
    with pytest.raises(ModelTimeout):
        asyncio.run(model(str(weights), timeout=0.2).complete(HI))
