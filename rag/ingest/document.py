"""The value that loading makes and an index takes."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Document"]


def _storable(text: str) -> str:
    # Half of a surrogate pair comes from "\ud800" in JSON and from odd file names; no store takes it.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"character {error.start} is half of a surrogate pair"
        raise ValueError(message) from error
    return text


def _json(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # JsonValue lets through what JSON has no form for: infinity, "not a number", half of a surrogate pair.
    try:
        json.dumps(metadata, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "a text in it holds half of a surrogate pair"
        raise ValueError(message) from error
    return metadata


_Text = Annotated[str, AfterValidator(_storable)]


class Document(BaseModel):
    """A text with its identity.

    `doc_id` is unique within tenant and collection; for a file it is
    `<collection>/<posix path relative to the root>`. `text` is the whole text, to which spans refer,
    without front matter. `metadata` is whatever else is known, as JSON.

    Example:
        >>> Document(doc_id="docs/returns.md", text="Within 30 days.").title
        ''
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    doc_id: Annotated[str, Field(min_length=1), AfterValidator(_storable)]
    title: _Text = ""
    text: _Text
    metadata: Annotated[dict[str, JsonValue], AfterValidator(_json)] = Field(default_factory=dict)
