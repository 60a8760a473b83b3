"""Grammars of time words: a language's file read into tries, and what stands at a place of a text.

A grammar has word classes (`[words.CLASS]`, word = value) and rules (`[rules.NAME]`, meaning = forms).
A rule may stand for spans of several lengths at one place; of two forms of one length the first holds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

from rag.errors import ConfigError
from rag.memory.when.forms import Item, sequences
from rag.memory.when.spelling import respelt
from rag.memory.when.tokens import Token

__all__ = ["Grammar", "Match", "grammar"]

Match: TypeAlias = tuple[int, Any]
Meaning: TypeAlias = Callable[..., Any]
_REST: Final = "REST"
_ANY: Final = "ANY"
_STOPS: Final = frozenset(",.;:?!")


@dataclass(slots=True)
class _Trie:
    """What may come next: by word, by class, by rule; and which meanings end here, each with its place in the file."""

    words: dict[str, list[tuple[str, _Trie]]] = field(default_factory=dict)
    classes: dict[str, list[tuple[str, _Trie]]] = field(default_factory=dict)
    rules: dict[str, list[tuple[str, _Trie]]] = field(default_factory=dict)
    ends: list[tuple[int, Meaning, dict[str, Any]]] = field(default_factory=list)

    def grown(self, item: Item) -> _Trie:
        kind = self.rules if item.symbol[0] == "<" else self.classes if item.symbol.isupper() else self.words
        branches = kind.setdefault(item.symbol.strip("<>") if len(item.symbol) > 1 else item.symbol, [])
        for name, trie in branches:
            if name == item.name:
                return trie
        branches.append((item.name, trie := _Trie()))
        return trie


class Grammar:
    """A language's time words; `words` are its classes, `match` finds what a rule makes of a place in a text."""

    def __init__(self, data: Mapping[str, Any], meanings: Mapping[str, Meaning]) -> None:
        self.words: dict[str, dict[str, Any]] = data["words"]
        self.lists: dict[str, frozenset[str]] = {name: frozenset(words) for name, words in data["lists"].items()}
        self._rules = {name: _trie(name, rule, meanings) for name, rule in data["rules"].items()}
        self._classes: dict[str, dict[str, Any]] = {}
        for name, words in self.words.items():
            for word, value in words.items():
                self._classes.setdefault(word, {})[name] = value
        self._vocabulary = frozenset(self._classes) | frozenset(data["spelling"]["others"])
        self._corrected = tuple(data["spelling"]["corrected"])
        self._known: dict[str, str] = data["spelling"]["known"]
        self._firsts: dict[str, frozenset[str]] = {}
        for name in self._rules:
            self._first(name)

    def read(self, tokens: Sequence[Token]) -> Reader:
        """The tokens made ready for `match`."""
        return Reader(self, tuple(self._seen(token) for token in tokens), tokens)

    def is_number(self, word: str) -> bool:
        """Whether a word is one that counts: "two", "twenty"."""
        return any(word in self.words[name] for name in ("ONES", "TEENS", "TENS"))

    def is_ordinal(self, word: str) -> bool:
        """Whether a word ends an ordinal number: "third", the "th" of "8th"."""
        return word in self.words["ORDWORD"] or word in self.words["SUFFIX"]

    def _seen(self, token: Token) -> tuple[str, dict[str, Any]]:
        word = token.word
        if token.named_span:
            return word, {"NAMED": word}
        if word.isdecimal():
            return word, {"INT": int(word), f"INT{len(word)}": int(word)} if len(word) <= 4 else {}
        found = self._classes.get(word)
        if found is None:
            right = self._known.get(word) or respelt(word, self._corrected, self._vocabulary) or word
            return right, self._classes.get(right, {})
        return word, found

    def _first(self, rule: str) -> frozenset[str]:
        known = self._firsts.get(rule)
        if known is None:
            self._firsts[rule] = frozenset()  # a rule that begins with itself adds nothing to where it begins
            trie = self._rules[rule]
            below = (self._first(name) for name in trie.rules)
            known = self._firsts[rule] = frozenset(trie.words).union(trie.classes, *below)
        return known


class Reader:
    """A grammar before one text: it remembers what it has found at each place."""

    def __init__(self, of: Grammar, seen: Sequence[tuple[str, dict[str, Any]]], tokens: Sequence[Token]) -> None:
        self._grammar, self._seen, self._tokens = of, seen, tokens
        self._found: dict[tuple[str, int], tuple[Match, ...]] = {}

    def match(self, rule: str, at: int) -> tuple[Match, ...]:
        """What the rule makes of the words that begin at a place: (the place after them, what they mean)."""
        if at >= len(self._seen):
            return ()
        key = (rule, at)
        if key not in self._found:
            word, classes = self._seen[at]
            firsts = self._grammar._firsts[rule]
            self._found[key] = ()
            if word in firsts or not firsts.isdisjoint(classes):
                self._found[key] = self._matches(rule, at)
        return self._found[key]

    def _matches(self, rule: str, at: int) -> tuple[Match, ...]:
        best: dict[int, tuple[int, Any]] = {}
        for end, order, meaning, kept in self._walk(self._grammar._rules[rule], at, {}):
            if end not in best or order < best[end][0]:
                value = meaning(**kept)
                if value is not None:
                    best[end] = (order, value)
        return tuple((end, value) for end, (_, value) in best.items())

    def _walk(self, trie: _Trie, at: int, kept: dict[str, Any]) -> Iterator[tuple[int, int, Meaning, dict[str, Any]]]:
        for order, meaning, fixed in trie.ends:
            yield at, order, meaning, fixed | kept
        if at >= len(self._seen):
            return
        for end, name, value, below in self._steps(trie, at):
            yield from self._walk(below, end, kept | {name: value} if name else kept)

    def _steps(self, trie: _Trie, at: int) -> Iterator[tuple[int, str, Any, _Trie]]:
        word, classes = self._seen[at]
        for name, below in trie.words.get(word, ()):
            yield at + 1, name, word, below
        for symbol, branches in trie.classes.items():
            if symbol in classes:
                for name, below in branches:
                    yield at + 1, name, classes[symbol], below
            elif symbol == _REST:
                end, text = self._rest(at)
                for name, below in branches:
                    yield end, name, text, below
            elif symbol == _ANY and self._tokens[at].worded:
                for name, below in branches:
                    yield at + 1, name, self._tokens[at].text, below
        for rule, branches in trie.rules.items():
            for end, value in self.match(rule, at):
                for name, below in branches:
                    yield end, name, value, below

    def _rest(self, at: int) -> tuple[int, str]:
        end = at
        while end < len(self._tokens) and self._tokens[end].word not in _STOPS:
            end += 1
        return end, " ".join(token.text for token in self._tokens[at:end])


def _trie(name: str, rule: Mapping[str, Sequence[str]], meanings: Mapping[str, Meaning]) -> _Trie:
    root, order = _Trie(), 0
    for key, forms in rule.items():
        meaning, *constants = key.split()
        if meaning not in meanings:
            raise ConfigError(f"the grammar's rule {name!r} has the meaning {meaning!r}, which is none that is known")
        fixed = {k: int(v) if v.lstrip("-").isdecimal() else v for k, v in (pair.split("=") for pair in constants)}
        for row in (row for form in forms for row in sequences(form)):
            trie = root
            for item in row:
                trie = trie.grown(item)
            trie.ends.append((order := order + 1, meanings[meaning], fixed))
    return root


@lru_cache(maxsize=8)
def grammar(language: str = "en") -> Grammar:
    """The grammar of a language.

    Raises:
        ConfigError: there is no such grammar, or it cannot be read.
    """
    from rag.memory.when.meanings import MEANINGS

    path = files("rag.memory.when") / f"{language}.toml"
    try:
        return Grammar(tomllib.loads(path.read_text(encoding="utf-8")), MEANINGS)
    except (FileNotFoundError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"no grammar of time words for {language!r}: {error}") from error
