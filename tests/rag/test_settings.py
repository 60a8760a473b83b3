"""Settings: what the environment says, read in one place."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from rag.errors import ConfigError
from rag.settings import Settings

ALIASES = [field.validation_alias for field in Settings.model_fields.values()]
VARIABLES = {str(name) for alias in ALIASES for name in getattr(alias, "choices", [alias])}


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_an_empty_environment_means_defaults():
    settings = Settings.load()
    assert settings.openai_api_key is settings.openai_base_url is settings.model is settings.prompts is None
    assert settings.cache_dir.name == "planweave"
    assert settings.vocabulary_dir == Path(tempfile.gettempdir()) / "data-gym-cache"


def test_each_setting_has_its_variable(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "very secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("RAG_MODEL", "tiny")
    monkeypatch.setenv("RAG_PROMPTS", "my prompts")
    monkeypatch.setenv("RAG_CACHE_DIR", "~/kept")
    settings = Settings.load()
    assert settings.openai_api_key.get_secret_value() == "very secret"
    assert (settings.openai_base_url, settings.model) == ("http://127.0.0.1:1/v1", "tiny")
    assert settings.prompts == Path("my prompts")
    assert settings.cache_dir == Path.home() / "kept"


def test_a_key_is_shown_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "very secret")
    settings = Settings.load()
    assert "very secret" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize("name", ["RAG_TRACE_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [("true", True), ("SPAN_ONLY", True), ("span_and_event", True), ("0", False), ("NO_CONTENT", False), ("", False)],
)
def test_content_is_traced_only_where_it_is_asked_for(monkeypatch, name, said, meant):
    assert Settings.load().trace_content is False
    monkeypatch.setenv(name, said)
    assert Settings.load().trace_content is meant


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "OPENAI_BASE_URL", "RAG_MODEL", "RAG_PROMPTS", "RAG_PRICES"])
def test_an_empty_variable_is_none_at_all(monkeypatch, name):
    monkeypatch.setenv(name, "")
    assert Settings.load() == Settings()
    assert Settings.load().model_dump(exclude_defaults=True) == {}


def test_what_cannot_work_names_the_variable_and_not_its_value(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "ann:hidden@host")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL") as caught:
        Settings.load()
    assert "http://" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_the_vocabularies_lie_where_tiktoken_looks(monkeypatch):
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", "gym")
    assert Settings.load().vocabulary_dir == Path("gym")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "tik")
    assert Settings.load().vocabulary_dir == Path("tik")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert Settings.load().vocabulary_dir is None


def test_settings_are_a_value():
    with pytest.raises(ValidationError):
        Settings.load().model = "other"


def test_import_rag_does_not_load_the_settings_library():
    code = "import rag, sys; print('pydantic_settings' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "False"
