"""`rag doctor`: what may be wrong with an installation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Final

from rag.errors import RagError

__all__ = ["Finding", "findings", "owners"]

DISTRIBUTION: Final = "planweave-rag"
_SHOWN: Final = (
    "pydantic",
    "openai",
    "chromadb",
    "langchain-core",
    "tiktoken",
    "tenacity",
    "onnxruntime",
    "sqlalchemy",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, whether it is fine, and what was seen."""

    what: str
    told: str
    fine: bool = True


def findings(base_url: str | None = None) -> Iterator[Finding]:
    """What was looked at, in order: versions, owners of our packages, planners, the embedder, the endpoint."""
    yield Finding("python", sys.version.split()[0])
    for name in (DISTRIBUTION, *_SHOWN):
        yield _version(name)
    for package in ("rag", "planners", "prompts"):
        yield _owned(package)
    yield _planners()
    yield _embedder()
    yield _endpoint(base_url)


def owners(package: str) -> list[str]:
    """The distributions that say they own an import package; empty for an editable install."""
    return sorted(set(metadata.packages_distributions().get(package, [])))


def _version(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, "not installed", fine=name == DISTRIBUTION)


def _owned(package: str) -> Finding:
    found = owners(package)
    if len(found) > 1 or (found and found != [DISTRIBUTION]):
        others = " ".join(owner for owner in found if owner != DISTRIBUTION)
        hint = f"pip uninstall {others}; pip install --force-reinstall {DISTRIBUTION}"
        return Finding(f"package {package}", f"written by {' and '.join(found)}; {hint}", fine=False)
    return Finding(f"package {package}", "ours alone")


def _planners() -> Finding:
    names = []
    for point in metadata.entry_points(group="rag.planners"):
        try:
            point.load()
        except (ImportError, AttributeError) as error:
            return Finding("planners", f"{point.name} cannot be loaded: {error}", fine=False)
        names.append(point.name)
    return Finding("planners", ", ".join(sorted(names)) or "none found; install the distribution", fine=bool(names))


def _embedder() -> Finding:
    from rag.embed import default_embedder

    try:
        embedder = default_embedder()
        embedder.embed(["a check"])
    except RagError as error:
        return Finding("embedder", str(error), fine=False)
    return Finding("embedder", f"{embedder.name}, {embedder.dimensions} dimensions")


def _endpoint(base_url: str | None) -> Finding:
    from rag.settings import Settings

    settings = Settings.load()
    url = base_url or settings.openai_base_url
    if not (url or settings.openai_api_key):
        return Finding("model", "none set: answers are extracted (set OPENAI_API_KEY or OPENAI_BASE_URL to use one)")
    return _models_at(url, settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none")


def _models_at(url: str | None, key: str) -> Finding:
    import openai

    from rag.models.errors import place, translate

    try:
        with openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=5) as client:
            names = [model.id for model in client.models.list()]
    except openai.OpenAIError as error:
        return Finding("model", str(translate(error, "the endpoint", url=url or "")), fine=False)
    return Finding("model", f"{place(url) if url else 'the default endpoint'} offers {', '.join(names[:5]) or 'none'}")
