"""The value that loading makes and an index takes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Document"]


class Document(BaseModel):
    """A text with its identity.

    `doc_id` is unique within tenant and collection; for a file it is
    `<collection>/<posix path relative to the root>`. `text` holds the whole text, to which spans
    refer, without front matter. `metadata` is whatever else is known, as JSON.

    Example:
        >>> Document(doc_id="docs/returns.md", text="Within 30 days.").title
        ''
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    doc_id: str = Field(min_length=1)
    title: str = ""
    text: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
