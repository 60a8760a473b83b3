"""Language models: one client a file, each doing one attempt a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.errors import ConfigError
from rag.models.langchain import LangChainModel
from rag.models.local import LocalModel
from rag.models.openai import OpenAIModel

__all__ = ["LangChainModel", "LocalModel", "OpenAIModel", "model"]


def model(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float | None = None,
    max_tokens: int | None = 2048,
    temperature: float | None = 0.0,
    extra: Mapping[str, Any] | None = None,
    strict: bool | None = None,
) -> OpenAIModel | LocalModel:
    """The model of that name at an OpenAI-compatible endpoint, or of that GGUF file in this process.

    Args:
        name: the model's name at the endpoint, or the path of a file that ends in `.gguf`.
        base_url: where the API begins; OPENAI_BASE_URL when not given.
        api_key: the key; OPENAI_API_KEY when not given.
        timeout: seconds that a call may take; by default 120, and 600 in this process.
        max_tokens: the reply's size at most, where the call does not say.
        temperature: 0 for the likeliest reply; None leaves it to the endpoint.
        extra: further fields of each request's body.
        strict: whether an endpoint is sent schemas in the strict form that it then enforces; by default
            where it is OpenAI's own. A model in this process keeps to schemas anyway.

    Raises:
        ConfigError: there is neither a key nor a URL, or the file cannot be used.

    Example:
        >>> model("tiny", base_url="http://127.0.0.1:8101/v1", api_key="x")
        OpenAIModel('tiny', base_url='http://127.0.0.1:8101/v1')
    """
    if not name.strip():
        raise ConfigError(
            "the model has no name: pass the one that the endpoint knows it by, or the path of a .gguf file"
        )
    options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "extra": extra}
    if timeout is not None:
        options["timeout"] = timeout
    # A server of GGUF files names its models by their files, so a URL goes before the ending.
    if name.endswith(".gguf") and base_url is None:
        return LocalModel(name, **options)
    base_url, api_key = _from_settings(name, base_url, api_key)
    return OpenAIModel(name, base_url=base_url, api_key=api_key, strict=strict, **options)


def _from_settings(name: str, base_url: str | None, api_key: str | None) -> tuple[str | None, str | None]:
    from rag.settings import Settings

    settings = Settings.load()
    base_url = base_url or settings.openai_base_url
    if api_key is None and settings.openai_api_key is not None:
        api_key = settings.openai_api_key.get_secret_value()
    if not base_url and not api_key:
        raise ConfigError(
            f"model {name!r} has no endpoint: set OPENAI_API_KEY (or pass api_key=) for OpenAI's own, or"
            " OPENAI_BASE_URL (or base_url=) for any other, as in http://127.0.0.1:8000/v1"
        )
    return base_url, api_key
