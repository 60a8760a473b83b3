"""Summaries and facts by a model: one structured call for a stretch of turns, held against those turns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from rag.errors import BadModelOutput
from rag.memory.profile.facts import said_of
from rag.memory.profile.rolling import Held
from rag.memory.profile.rules import Stated, attributes
from rag.memory.store.values import Derived, Kept
from rag.memory.told import day
from rag.read.terms import overlap
from rag.run.prompting import render
from rag.shown import on_a_line
from rag.tokens import estimate

if TYPE_CHECKING:
    from rag.protocols import Model

__all__ = ["batches", "facts_by", "summarised"]

_BATCH: Final = 3000  # tokens of turns that one call reads
_BORNE_OUT: Final = 0.5  # of a sentence's words: what the turns that it names must have
_WORDS_A_TOKEN: Final = 0.6
_Form = TypeVar("_Form", bound=BaseModel)
_NAME: Final = re.compile(r"(?<=[a-z,;] )[A-Z]\w+")


class _Sentence(BaseModel):
    text: str
    lines: tuple[int, ...]


class _Summary(BaseModel):
    sentences: tuple[_Sentence, ...]


class _Fact(BaseModel):
    line: int
    attribute: str
    value: str
    many: bool = False
    ends: bool = False
    since: str = ""


class _Facts(BaseModel):
    facts: tuple[_Fact, ...]


def batches(rows: Iterable[Kept]) -> Iterator[tuple[Kept, ...]]:
    """The turns, cut into stretches that one call can read."""
    batch: list[Kept] = []
    size = 0
    for row in rows:
        tokens = estimate(row.turn.text)
        if batch and size + tokens > _BATCH:
            yield tuple(batch)
            batch, size = [], 0
        batch.append(row)
        size += tokens
    if batch:
        yield tuple(batch)


async def summarised(
    model: Model, held: Sequence[Held], rows: Sequence[Kept], known: Mapping[int, Kept], *, topic: str, budget: int
) -> tuple[Held, ...]:
    """The summary with turns taken in; a sentence that its turns do not bear out is dropped.

    Args:
        model: what writes it.
        held: the summary so far.
        rows: the turns to take in.
        known: all turns by number, which sentences are held against.
        topic: what the summary is about.
        budget: tokens that it may have in all.

    Raises:
        ModelError: the model failed.
        BadModelOutput: what it wrote is no summary.
    """
    sources = [*held, *(Held(_line(row), (row.number,), (row.reference,), 0) for row in rows)]
    values = {
        "about": topic or "what is to be known of the people who speak",
        "words": str(int(budget * _WORDS_A_TOKEN)),
        "lines": _numbered(source.text for source in sources),
    }
    written = await _asked(model, "profile_summary", values, _Summary)
    kept: list[Held] = []
    for sentence in written.sentences:
        one = _borne_out(sentence, sources, known)
        if one is not None and sum(estimate(other.text) for other in (*kept, one)) <= budget:
            kept.append(one)
    return tuple(kept)


async def facts_by(model: Model, rows: Sequence[Kept]) -> list[Derived]:
    """The statements of turns, as a model reads them; one whose value its turn does not have is dropped.

    Raises:
        ModelError: the model failed.
        BadModelOutput: what it wrote are no facts.
    """
    values = {"attributes": ", ".join(attributes()), "lines": _numbered(map(_line, rows))}
    written = await _asked(model, "profile_facts", values, _Facts)
    return [
        said_of(rows[fact.line - 1], _stated(fact, rows[fact.line - 1]), model.name).row(rows[fact.line - 1].number)
        for fact in written.facts
        if 0 < fact.line <= len(rows) and overlap(fact.value, rows[fact.line - 1].turn.text) == 1 and fact.attribute
    ]


def _stated(fact: _Fact, row: Kept) -> Stated:
    return Stated(
        fact.attribute.casefold(), fact.value, on_a_line(row.turn.text), fact.many, fact.ends, _date(fact.since)
    )


def _date(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written).astimezone(UTC) if written else None
    except (ValueError, OverflowError):  # no date, or none that a calendar has: when it was said stands for it
        return None


async def _asked(model: Model, prompt: str, values: Mapping[str, str], form: type[_Form]) -> _Form:
    messages, _ = render(prompt, values)
    reply = await model.complete(messages, schema=form.model_json_schema())
    try:
        # The outermost braces: some models write around them.
        return form.model_validate_json(reply.text[reply.text.find("{") : reply.text.rfind("}") + 1])
    except ValidationError as error:
        raise BadModelOutput(
            f"{model.name} was to write {prompt} as JSON and did not; nothing was kept: try again, or another model",
            model=model.name,
            raw=reply.text,
        ) from error


def _borne_out(sentence: _Sentence, sources: Sequence[Held], known: Mapping[int, Kept]) -> Held | None:
    """The sentence with its turns, unless they do not say it."""
    cited = [sources[line - 1] for line in dict.fromkeys(sentence.lines) if 0 < line <= len(sources)]
    numbers = tuple(dict.fromkeys(number for source in cited for number in source.numbers))
    said = " ".join(_line(known[number]) for number in numbers if number in known)
    if overlap(sentence.text, said) < _BORNE_OUT or any(name not in said for name in _NAME.findall(sentence.text)):
        return None
    turns = tuple(dict.fromkeys(turn for source in cited for turn in source.turns))
    return Held(on_a_line(sentence.text), numbers, turns, 0)


def _numbered(lines: Iterable[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _line(row: Kept) -> str:
    turn = row.turn
    who: Any = turn.speaker or turn.role or "user"
    return on_a_line(f"{who} ({day(turn)}): {turn.text}")
