"""The proper names in a document's metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["names"]

_LONGEST: Final = 60
_NO_NAME: Final = re.compile(
    r"""://|^www\.|@                                         # addresses
    |\d{4}-\d\d-\d\d|^\w+\ \d{1,2},?\ \d{4}$|^\d{1,2}\.?\ \w+,?\ \d{4}$  # dates""",
    re.IGNORECASE | re.VERBOSE,
)


def names(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that name something: a product, a person, a code; each on one line, in order.

    Such a value is text of at most 60 characters that begins with a capital or a digit and has a letter;
    dates and addresses of pages and people are none.

    Example:
        >>> names({"product": "Heron Headphones", "sku": "P-1003", "date": "4 May 2026", "stars": 4, "tone": "sad"})
        ('Heron Headphones', 'P-1003')
    """
    texts = (" ".join(value.split()) for value in metadata.values() if isinstance(value, str))
    return tuple(dict.fromkeys(text for text in texts if _is_name(text)))


def _is_name(text: str) -> bool:
    begins = text[:1].isupper() or text[:1].isdigit()
    return begins and len(text) <= _LONGEST and any(map(str.isalpha, text)) and not _NO_NAME.search(text)
