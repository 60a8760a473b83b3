"""Who serves a model, by the names that OpenTelemetry has for them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

__all__ = ["provider_at"]

_PROVIDERS: Final = {
    "openai.azure.com": "azure.ai.openai",
    "anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "groq.com": "groq",
    "mistral.ai": "mistral_ai",
    "deepseek.com": "deepseek",
    "x.ai": "x_ai",
    "perplexity.ai": "perplexity",
    "cohere.com": "cohere",
    "moonshot.ai": "moonshot_ai",
}


def provider_at(url: str) -> str:
    """The provider behind an OpenAI-compatible endpoint; "openai", whose API it speaks, where it is none known.

    Example:
        >>> provider_at("https://api.mistral.ai/v1"), provider_at("http://127.0.0.1:8000/v1")
        ('mistral_ai', 'openai')
    """
    host = f".{urlsplit(url).hostname or ''}"
    return next((name for domain, name in _PROVIDERS.items() if host.endswith(f".{domain}")), "openai")
