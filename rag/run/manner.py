"""How an assistant's answers are to be: in which form, and what is done about sentences that nothing bears out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from rag.errors import ConfigError
from rag.protocols import Form

__all__ = ["Check", "Manner", "Unsupported"]

Check: TypeAlias = Literal["words", "model"]
"""What checks each sentence against the passages it cites: words and their meaning, or one call of the model more."""

Unsupported: TypeAlias = Literal["mark", "drop"]
"""What becomes of a sentence that they do not bear out: a note and `Citation.supported` tell, or it is left out."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The form of answers, how they are checked, and what becomes of what does not hold.

    Raises:
        ConfigError: there is no such form, check or treatment, or sentences are to be dropped unchecked.
    """

    form: Form = "answer"
    check: Check | None = "words"
    unsupported: Unsupported = "mark"

    def __post_init__(self) -> None:
        _expect("form", self.form, get_args(Form))
        _expect("check", self.check, (*get_args(Check), None))
        _expect("unsupported", self.unsupported, get_args(Unsupported))
        if self.check is None and self.unsupported == "drop":
            raise ConfigError('unsupported="drop" needs a check; give check="words" or check="model"')


def _expect(name: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name}={value!r} cannot be; give one of {', '.join(map(repr, known))}")
