"""Whose words a question asks for."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from rag.memory.when.about import Clause

__all__ = ["Party", "Voice", "voice"]

Party: TypeAlias = Literal["user", "assistant"]
"""A role that people ask about: nobody asks what a tool said."""


class Voice(NamedTuple):
    """Who is meant: by name, or by role; `leans` says that a pronoun names someone said before; `at` is its place."""

    speaker: str | None = None
    role: Party | None = None
    leans: bool = False
    at: int | None = None


def voice(clause: Clause, where: range) -> Voice:
    """The one whose words are meant, where a word of talk has a subject that is one person: "did Ann say"."""
    for at in where:
        if clause.talk[at] and clause.tokens[at].worded:
            found = _subject(clause, at, where)
            if found != Voice():
                return found
    return next((owner for at in where if (owner := _owner(clause, at, where)) != Voice()), Voice())


def _owner(clause: Clause, at: int, where: range) -> Voice:
    """Whose "questions" or "advice" it is."""
    if clause.tokens[at].word not in clause.lists["speech_nouns"]:
        return Voice()
    before = {clause.tokens[place].word for place in range(max(at - 3, where.start), at)}
    if not clause.lists["mine"].isdisjoint(before):
        return Voice(role="user")
    return Voice(role="assistant") if not clause.lists["yours"].isdisjoint(before) else Voice()


def _subject(clause: Clause, at: int, where: range) -> Voice:
    tokens, lists = clause.tokens, clause.lists
    place = clause.subject(at, where)
    if place is None:
        return Voice()
    word = tokens[place].word
    joined = place > where.start and tokens[place - 1].word in ("and", "&", ",", "or")
    if word in lists["me"] and not joined:
        return Voice(role="user", at=place)
    if word in lists["you"] and not joined:
        return Voice(role="assistant", at=place)
    if word in lists["they"]:
        return Voice(leans=True, at=place)
    if tokens[place].named and tokens[place].worded and not joined and clause.content(place):
        return Voice(speaker=tokens[place].text, at=place)
    return Voice()
