"""What the environment says. It is read here and nowhere else.

Explicit arguments win over settings everywhere. This module is imported on use, since
pydantic-settings takes about as long to load as the rest of the façade.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Self

from platformdirs import user_cache_path
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag.errors import ConfigError

__all__ = ["Settings", "zone_setting"]


def _not_empty(value: object) -> object:
    # `OPENAI_API_KEY= command` is how shells unset a variable for one command.
    return None if value == "" else value


def _http(value: object) -> object:
    if isinstance(value, str) and value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


def _asked_for(value: object) -> object:
    # OpenTelemetry's own variable names where the content is to go; we have spans alone.
    words = {"": False, "no_content": False, "event_only": False, "span_only": True, "span_and_event": True}
    return words.get(value.lower(), value) if isinstance(value, str) else value


_Text = Annotated[str | None, BeforeValidator(_not_empty)]
_Path = Annotated[Path | None, BeforeValidator(_not_empty)]


class Settings(BaseSettings):
    """The framework's settings, each from the environment variable named beside it.

    Example:
        >>> settings = Settings(openai_api_key="very secret", model="tiny")
        >>> settings.model, str(settings.openai_api_key)
        ('tiny', '**********')
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    openai_api_key: Annotated[SecretStr | None, BeforeValidator(_not_empty)] = Field(
        default=None, validation_alias="OPENAI_API_KEY", description="the key of the OpenAI-compatible endpoint"
    )
    openai_base_url: Annotated[_Text, BeforeValidator(_http)] = Field(
        default=None, validation_alias="OPENAI_BASE_URL", description="where the OpenAI-compatible API begins"
    )
    model: _Text = Field(default=None, validation_alias="RAG_MODEL", description="the model, where none is given")
    prompts: _Path = Field(
        default=None, validation_alias="RAG_PROMPTS", description="a folder whose prompts win over the packaged ones"
    )
    prices: _Path = Field(
        default=None, validation_alias="RAG_PRICES", description="a file of prices that go before the packaged ones"
    )
    trace_content: Annotated[bool, BeforeValidator(_asked_for)] = Field(
        default=False,
        validation_alias=AliasChoices("RAG_TRACE_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
        description="whether OpenTelemetry is given prompts, replies, arguments and passages",
    )
    serve_key: Annotated[SecretStr | None, BeforeValidator(_not_empty)] = Field(
        default=None, validation_alias="RAG_SERVE_KEY", description="the key that clients of `rag serve` must send"
    )
    cache: _Path = Field(
        default=None, validation_alias="RAG_CACHE_DIR", description="where indexes of the command line are kept"
    )
    tiktoken_cache: str | None = Field(default=None, validation_alias="TIKTOKEN_CACHE_DIR", repr=False)
    data_gym_cache: str | None = Field(default=None, validation_alias="DATA_GYM_CACHE_DIR", repr=False)

    @classmethod
    def load(cls) -> Self:
        """The settings as the environment has them now.

        Raises:
            ConfigError: a variable holds what cannot work.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"the environment variable {name} cannot be used: {first['msg']}") from None

    @property
    def cache_dir(self) -> Path:
        """The folder for what can be made again, the user's cache where RAG_CACHE_DIR says nothing."""
        return self.cache.expanduser() if self.cache else user_cache_path("planweave")

    @property
    def vocabulary_dir(self) -> Path | None:
        """Where tiktoken keeps vocabularies that it has fetched; None when it is told to keep none."""
        for folder in (self.tiktoken_cache, self.data_gym_cache):
            if folder is not None:
                return Path(folder) if folder else None
        return Path(tempfile.gettempdir()) / "data-gym-cache"


def zone_setting() -> str:
    """The time zone that TZ names, such as Europe/Berlin; "" where it is not set.

    It is no part of `Settings`: a clock must tell the time, whatever else the environment says.
    """
    return os.environ.get("TZ", "").removeprefix(":")
