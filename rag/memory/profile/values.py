"""What a profile consists of: summaries, facts and concepts, each with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rag.memory.told import day
from rag.read.terms import terms
from rag.tokens import estimate
from rag.types import Turn

__all__ = ["ME", "Concept", "Edit", "Fact", "Sentence", "Summary", "attributed"]

ME: Final = "me"
"""The tag of the concept that is the user."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sentence(_Value):
    """A sentence of a summary, and the turns that bear it out, as hits name them: `conversation#turn_id`."""

    text: str
    turns: tuple[str, ...]


class Summary(_Value):
    """What turns tell about a topic; "" is all that they tell about who said them.

    `version` counts from 1, `recorded` is when it was made, and `by` says who made it: "extraction", or the
    name of a model.

    Example:
        >>> summary = Summary(topic="", version=1, sentences=(Sentence(text="I live in Rome.", turns=("c#1",)),))
        >>> str(summary), summary.tokens
        ('I live in Rome.', 5)
    """

    topic: str
    version: int
    sentences: tuple[Sentence, ...] = ()
    by: str = "extraction"
    recorded: AwareDatetime | None = None

    @property
    def tokens(self) -> int:
        """The size of the sentences in tokens, estimated on the high side."""
        return sum(estimate(sentence.text) for sentence in self.sentences)

    def __str__(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)


class Fact(_Value):
    """Something that is true of somebody for a time.

    True from `valid_from` until `valid_until`, which is None as long as nothing newer closed it. `recorded`
    is when it was said, so when it came to be known. `subject` is the speaker's name, or "" for a user
    without one; `turns` are those that say it, as hits name them, and `text` is what the last of them says.
    A fact that a user edited by hand comes from no turn.

    Example:
        >>> from datetime import UTC
        >>> at = datetime(2026, 5, 5, tzinfo=UTC)
        >>> print(Fact(subject="Ann", attribute="home", value="Rome", valid_from=at, recorded=at))
        Ann's home: Rome (since Tuesday, 5 May 2026)
    """

    subject: str
    attribute: str
    value: str
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None = None
    recorded: AwareDatetime
    turns: tuple[str, ...] = ()
    text: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether it is true at a time, as far as is known."""
        return self.valid_from <= at and (self.valid_until is None or at < self.valid_until)

    def is_named(self, question: str) -> bool:
        """Whether a question has a word of its attribute or value."""
        return not set(terms(question)).isdisjoint(terms(f"{self.attribute} {self.value}"))

    def __str__(self) -> str:
        whose = f"{self.subject}'s {self.attribute}" if self.subject else self.attribute
        until = f" until {_day(self.valid_until)}" if self.valid_until else ""
        return f"{whose}: {self.value} (since {_day(self.valid_from)}{until})"


class Concept(_Value):
    """Somebody or something that a user has told about by hand, such as a pet, a sister or a project.

    `tag` stays the same when the name changes; the tag "me" is the user.

    Example:
        >>> print(Concept(tag="rex", name="Rex", category="dog", info="A Beagle.", attributes={"age": "3"}))
        Rex (dog): A Beagle. age: 3.
    """

    tag: str
    name: str
    aliases: tuple[str, ...] = ()
    category: str = ""
    info: str = ""
    attributes: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is called by, its name first."""
        return (self.name, *self.aliases)

    def __str__(self) -> str:
        told = [self.info] if self.info else []
        told += [f"{name}: {value}." for name, value in self.attributes.items()]
        return f"{self.name}{f' ({self.category})' if self.category else ''}: {' '.join(told)}"


class Edit(_Value):
    """One edit of a concept: what it was made into, and when; None where it was deleted."""

    concept: Concept | None
    at: AwareDatetime


def attributed(turn: Turn, text: str) -> str:
    """What a turn says, with the name of who says it, where it has one.

    Example:
        >>> attributed(Turn(text="Hi. I ski.", speaker="Ann"), "I ski.")
        'Ann: I ski.'
    """
    return f"{turn.speaker}: {text}" if turn.speaker else text


def _day(at: datetime) -> str:
    return day(Turn(text="", at=at))
