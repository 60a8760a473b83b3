"""What models cost: a table in `prices.toml`, and the user's own, which goes before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import ConfigError
from rag.types import Usage

__all__ = ["Price", "Prices"]

_TABLE: Final = Path(__file__).with_name("prices.toml")
_MILLION: Final = 1_000_000
_DATE: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")
"""A version of a model by its day, as in `gpt-4o-mini-2024-07-18`; it costs what the model costs."""


class Price(BaseModel):
    """USD for a million tokens of one model; cached ones cost as others where nothing is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    output: float = Field(default=0.0, ge=0)
    as_of: date | None = None

    def usd(self, usage: Usage) -> float:
        """What the usage costs.

        Example:
            >>> Price(input=2, cached=1, output=8).usd(Usage(prompt_tokens=500, cached_tokens=100))
            0.0009
        """
        kept = min(usage.cached_tokens, usage.prompt_tokens)
        read = usage.prompt_tokens - kept + usage.embedding_tokens
        cached = self.input if self.cached is None else self.cached
        return (read * self.input + kept * cached + usage.completion_tokens * self.output) / _MILLION


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, Price]


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by the model's name, a user's own before those that ship.

    Example:
        >>> prices = Prices({"mine": Price(input=1)})
        >>> prices.of("mine").input, prices.of("gpt-4o-mini-2024-07-18").input, prices.of("unheard-of")
        (1.0, 0.15, None)
    """

    own: Mapping[str, Price] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The prices of a file, which has the form of `prices.toml`, before those that ship.

        Raises:
            ConfigError: the file cannot be read, or is no table of prices.
        """
        return cls(_read(path) if path else {})

    def of(self, model: str) -> Price | None:
        """The model's price, or None where nobody has said it."""
        names = (model, _DATE.sub("", model))
        return next((table[name] for table in (self.own, _shipped()) for name in names if name in table), None)

    def priced(self, model: str, usage: Usage) -> Usage:
        """The usage with what it cost: as the endpoint said, else by the table, else unknown."""
        price = self.of(model) if usage.usd is None else None
        return usage if price is None else usage.model_copy(update={"usd": price.usd(usage)})


@cache
def _shipped() -> Mapping[str, Price]:
    return _read(_TABLE)


def _read(path: Path) -> Mapping[str, Price]:
    import tomllib

    try:
        return _Table.model_validate(tomllib.loads(path.expanduser().read_text(encoding="utf-8"))).models
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the prices in {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"the prices in {path} cannot be used: {where}: {first['msg']}") from None
