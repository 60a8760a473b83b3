"""`rag.model`: which client a name, a URL and the environment make."""

import pytest

from rag.errors import ConfigError
from rag.models import LocalModel, OpenAIModel, model


@pytest.fixture(autouse=True)
def no_endpoint_in_the_environment(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def key_and_url(made):
    return made._key, made._url


def test_without_key_and_url_the_error_says_both_ways():
    with pytest.raises(ConfigError) as caught:
        model("gpt-4o-mini")
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "OPENAI_BASE_URL" in str(caught.value)


def test_a_key_alone_means_openai_itself(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert key_and_url(model("gpt-4o-mini")) == ("k", "https://api.openai.com/v1")


def test_a_url_alone_needs_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    assert key_and_url(model("tiny")) == ("none", "http://127.0.0.1:1/v1")


def test_arguments_go_before_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    assert key_and_url(model("tiny", base_url="http://127.0.0.1:2/v1", api_key="mine")) == (
        "mine",
        "http://127.0.0.1:2/v1",
    )


def test_a_file_served_elsewhere_is_not_loaded_here():
    assert isinstance(model("qwen.gguf", base_url="http://127.0.0.1:1/v1"), OpenAIModel)


@pytest.mark.parametrize("name", ["", " "])
def test_a_model_has_a_name(name):
    with pytest.raises(ConfigError, match="no name"):
        model(name, api_key="k")


def test_a_file_without_the_extra_names_the_extra(monkeypatch):
    monkeypatch.setattr("rag.models.local.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"planweave-rag\[local\]"):
        model("weights.gguf")


def test_a_file_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("rag.models.local.find_spec", lambda _: object())
    with pytest.raises(ConfigError, match=r"none\.gguf cannot be read: No such file"):
        model(str(tmp_path / "none.gguf"))


def test_a_file_of_another_kind_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("rag.models.local.find_spec", lambda _: object())
    (tmp_path / "cat.gguf").write_bytes(b"\x89PNG rest")
    with pytest.raises(ConfigError, match="not a GGUF file"):
        LocalModel(tmp_path / "cat.gguf")
