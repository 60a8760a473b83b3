"""Whether time words are about the conversation, or about the world that it speaks of.

"What did she say on Friday?" asks for Friday's turns; "When did she move, before May?" does not. The signs are
words of talk and where they stand: close by when nothing but light words stands between
them and the time, loose when the thing that was said does.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise
from typing import Final

from rag.memory.when.grammar import Grammar
from rag.memory.when.spelling import plain_forms
from rag.memory.when.tokens import Token

__all__ = ["Bond", "Clause"]

_ENDS: Final = frozenset(".?!;")


class Bond(IntEnum):
    """How a time is bound to the conversation, from not at all to by its own words.

    `BARE` is a question that says nothing else; `WEAK` has a word of talk, but what was said stands between;
    `BESIDE` has one after it, `STRONG` before it, with nothing between; `OWN` speaks of sessions itself.
    """

    NONE = 0
    BARE = 1
    WEAK = 2
    BESIDE = 3
    STRONG = 4
    OWN = 5


class Clause:
    """The words of a text with the part that each plays; `times` are the places (start, end) of its time words."""

    def __init__(self, grammar: Grammar, tokens: Sequence[Token], times: Sequence[tuple[int, int]]) -> None:
        self.tokens, self.lists, self._grammar = tokens, grammar.lists, grammar
        self.timed = {at for start, end in times for at in range(start, end)}
        self.talk = [self._talks(at) for at in range(len(tokens))]

    def sentence(self, at: int) -> range:
        """The sentence that a place lies in."""
        start, end = at, at
        while start > 0 and not self._stops(start - 1):
            start -= 1
        while end < len(self.tokens) and not self._stops(end):
            end += 1
        return range(start, end)

    def bond(self, start: int, end: int, *, dated: bool = False) -> Bond:
        """How the time words from one place to another are bound to the conversation.

        `dated` says that they name a day on which there was a session: people date their talks so, and what
        they did by "last Friday", so that any word of talk is enough.
        """
        if self._attributive(start, end):
            return Bond.NONE
        here = self.sentence(start)
        fronted = all(self._light(at) for at in range(here.start, start))
        if self._before(range(start - 1, here.start - 1, -1)):
            return Bond.STRONG
        if self._after(range(end, here.stop), fronted):
            return Bond.BESIDE
        if self._loosely(here, start, fronted, dated):
            return Bond.WEAK
        told = any(self.talk[at] and self._clause_of_its_own(at + 1, start) for at in range(here.start, start))
        return Bond.NONE if told or self._of_calendar(here) or any(map(self.content, here)) else Bond.BARE

    def _of_calendar(self, here: range) -> bool:
        """Whether a sentence asks about the calendar itself: "how many days are there in May"."""
        words = [token.word for token in self.tokens[here.start : here.stop]]
        return " ".join(words[:2]) in self.lists["about_calendar"] and self.lists["us"].isdisjoint(words)

    def _loosely(self, here: range, start: int, fronted: bool, dated: bool) -> bool:
        first = [self.tokens[at].word for at in here[:2]]
        if len(first) == 2 and first[0] in self.lists["whatever"] and first[1] in self.lists["about"]:
            return True  # "anything about lunch last week?" can be asked of a memory alone
        least = 1 if dated else 2
        told = {at for at in self.spoken(here) if self._told_by("with_you", at, here)}
        talks = [at for at in here if self.talk[at] >= least or self.recalls(at) or at in told]
        talks = [at for at in talks if at not in self.timed]
        before = [at for at in talks if at < start]
        if before:
            return dated or not self._subordinate(before[-1] + 1, start)
        return (bool(talks) and fronted) or self._between_us(here)

    def _between_us(self, here: range) -> bool:
        """Whether it passed between asker and asked: "what advice did you give me", not "can you tell me"."""
        words = [self.tokens[at].word for at in here]
        yours = any(
            word in self.lists["yours"] and words[max(at - 1, 0)] not in self.lists["requests"]
            for at, word in enumerate(words)
        )
        return yours and not self.lists["ours"].isdisjoint(words)

    def ours(self, at: int) -> bool:
        """Whether the sentence of a place speaks of asker and asked together: "have we", "did you tell me"."""
        here = self.sentence(at)
        return self._between_us(here) or any(self.tokens[n].word in self.lists["us"] for n in here)

    def corrected(self, start: int, end: int) -> bool:
        """Whether the words between two places take back what stands before them: "sorry", "I mean"."""
        return any(token.word in self.lists["corrections"] for token in self.tokens[start:end])

    def points_back(self, here: range) -> bool:
        """Whether a sentence leaves open what it is about: "is it?", "the other one", "and in Lisbon?", "why?"."""
        if any(self._pronoun(at) for at in here):
            return True
        follows = len(here) > 0 and self.tokens[here.start].word in self.lists["following"]
        return self.asks(here) and (follows or not any(self.content(at) or at in self.timed for at in here))

    def points_to_time(self, here: range) -> bool:
        """Whether a sentence speaks of a time that was said: "what did she cook then?"."""
        words = [self.tokens[at].word for at in here]
        pairs = {f"{one} {other}" for one, other in pairwise(words)}
        return not self.lists["then"].isdisjoint(words[1:]) or not self.lists["that_time"].isdisjoint(pairs)

    def asks(self, here: range) -> bool:
        """Whether a sentence ends with the mark of a question."""
        return here.stop < len(self.tokens) and self.tokens[here.stop].word == "?"

    def wants(self, here: range) -> bool:
        """Whether a sentence asks or begs for something: "what was it?", "please do"; "thanks!" does not."""
        return self.asks(here) or any(self.tokens[at].word in self.lists["begging"] or self._orders(at) for at in here)

    def _pronoun(self, at: int) -> bool:
        word = self.tokens[at].word
        if word in self.lists["standing"] and at > 0:  # "the policy that covers it" has one, "does that cover it" two
            return self._light(at - 1) and at not in self.timed
        return word in self.lists["pronouns"] or word in self.lists["standing"]

    def content(self, at: int) -> bool:
        """Whether a word says what the question is about."""
        if at in self.timed or self.talk[at] == 2 or not self.tokens[at].text[:1].isalnum():
            return False
        return not (self._small(at) or self._orders(at))

    def tells(self, at: int) -> bool:
        """Whether a word helps to find what the question is about, where it is about something."""
        told = self.content(at) or (self.tokens[at].worded and not self.recalls(at) and not self._orders(at))
        return told and at not in self.timed and self.talk[at] < 2 and self.tokens[at].word not in self.lists["light"]

    def spoken(self, here: range) -> frozenset[int]:
        """The places of words that tell how something was said, not what: "did you suggest", "my questions"."""
        words = {at: self.tokens[at].word for at in here}
        nouns = {at for at, word in words.items() if word in self.lists["speech_nouns"]}
        made = {at for at, word in words.items() if nouns and word in self.lists["making"]}
        verbs = {at for at in words if words[at] in self.lists["speech"] and self._told_by("speakers", at, here)}
        return frozenset(nouns | made | verbs)

    def _told_by(self, who: str, at: int, here: range) -> bool:
        """Whether a verb tells what one of a list did: "did you suggest", not "do you suggest"."""
        place = self.subject(at, here)
        if place is None or self.tokens[place].word not in self.lists[who]:
            return False
        return place == here.start or self.tokens[place - 1].word not in self.lists["now_or_ahead"]

    def subject(self, at: int, here: range) -> int | None:
        """The place of the word before another in a sentence, adverbs aside."""
        place = at - 1
        while place >= here.start and (
            self.tokens[place].word.endswith("ly") or self.tokens[place].word in self.lists["adverbs"]
        ):
            place -= 1
        return place if place >= here.start else None

    def recalls(self, at: int) -> bool:
        """Whether a word asks for what was said: "recap", "remind"."""
        return any(form in self.lists["recalling"] for form in plain_forms(self.tokens[at].word))

    def _small(self, at: int) -> bool:
        word = self.tokens[at].word
        if at and word in self.lists["formulas"] and self.tokens[at - 1].word in self.lists["talk"]:
            return False
        if word in self.lists["light"] or self._grammar.is_number(word):
            return True
        if any(form in self.lists["recap"] for form in plain_forms(word)):
            return True
        return word.endswith("ly") and len(word) > 4 and word not in self.lists["notadverbs"]

    def _orders(self, at: int) -> bool:
        """The verb that a request begins with, whichever it is: "sum up", "sketch our"."""
        first = at == 0 or self._stops(at - 1)
        return first and at + 1 < len(self.tokens) and self.tokens[at + 1].word in self.lists["heads"]

    def _stops(self, at: int) -> bool:
        word = self.tokens[at].word
        return word in _ENDS and at not in self.timed

    def _light(self, at: int) -> bool:
        token = self.tokens[at]
        return at in self.timed or not token.text[:1].isalnum() or not self.content(at)

    def _talks(self, at: int) -> int:
        """2 for a word of talk, 1 for a word that may be one, 0 for others and for orders."""
        word = self.tokens[at].word
        if at + 1 < len(self.tokens) and self.tokens[at + 1].word in self.lists["formulas"]:
            return 0  # "say goodbye" tells what was done
        level = 2 if word in self.lists["talk"] else 1 if word in self.lists["perhaps"] else 0
        if level and word in self.lists["orders"] and at not in self.timed:
            before = [self.tokens[n].word for n in range(max(at - 3, 0), at) if n not in self.timed]
            if self.lists["did"].isdisjoint(before):
                ordered = not self.lists["asking"].isdisjoint(before[-2:]) or at == 0
                noun = not self.lists["nouning"].isdisjoint(before[-1:])
                if (ordered or word in self.lists["alone"]) and not noun:
                    return 0
        return level

    def _before(self, places: range) -> bool:
        for at in places:
            if self.talk[at] and at not in self.timed:
                return True
            word = self.tokens[at].word
            if not self._light(at) or word in self.lists["subjects"] or self._doing(word):
                return False
        return False

    def _after(self, places: range, fronted: bool) -> bool:
        for at in places:
            if self.talk[at] and at not in self.timed:
                return True
            if self.tokens[at].word == "," and not fronted:
                return False
            if not (self._light(at) or self.tokens[at].named):
                return False
        return False

    def _subordinate(self, start: int, end: int) -> bool:
        words = [token.word for token in self.tokens[start:end]]
        if words and self._doing(words[0]) and words[0] not in self.lists["light"]:
            return True
        if self._clause_of_its_own(start, end):
            return True
        return any(word in self.lists["subjects"] for word in words[1:])

    def _clause_of_its_own(self, start: int, end: int) -> bool:
        """Whether what stands between a word of talk and a time tells of somebody: "did you say I should go in May"."""
        if end - start < 2 or self.tokens[start].word not in self.lists["persons"]:
            return False
        return self.tokens[start + 1].word in self.lists["modals"]

    def _doing(self, word: str) -> bool:
        return word.endswith("ing") and word not in self.lists["notdoing"]

    def _attributive(self, start: int, end: int) -> bool:
        """Whether the time tells of a thing that is no talk: "the June deadline", "Monday's meeting"."""
        owns = end < len(self.tokens) and self.tokens[end].word == "'s"
        after = end + owns
        if after >= len(self.tokens) or self.talk[after]:
            return False
        if self._grammar.is_ordinal(self.tokens[end - 1].word):
            return self.tokens[after].worded and self.tokens[after].word not in self.lists["light"]
        if not self.content(after):
            return False
        return (
            not self.tokens[after].named if owns else start > 0 and self.tokens[start - 1].word in self.lists["owning"]
        )
