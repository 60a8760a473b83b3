"""Where sentences and clauses of English end, and which of them ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from planners.language import bare, content

__all__ = ["asks", "pieces", "sentences"]

_WH: Final = r"(?:what|when|where|which|who|why|how)"
# Verbs that stand before their subject in a question.
_AUX: Final = (
    r"(?:do|does|did|is|are|was|were|can|could|will|would|shall|should|may|might|must|have|has|had)(?:n['’]t)?"
)
# What may stand after them: a pronoun, what begins a noun phrase, a plural, or a name.
_SUBJECT: Final = (
    r"(?:i|you|he|she|it|we|they|there|this|that|these|those|the|a|an|my|our|your|his|her|its|their|any|some|all|"
    r"every|each|no|people|anyone|someone|[a-z]{3,}s|(?-i:[A-Z])[\w’'-]*)"
)
_PREPOSITION: Final = r"(?:(?:for|from|to|in|on|at|by|of|after|before|until|since|with|about|under|within|during)\s+)?"
# "what do buyers", "for how long is a card", "which order does it": a question word, then its verb within five words.
_ASKED: Final = (
    rf"{_PREPOSITION}{_WH}(?:['’](?:s|re|d|ll)\b|"
    rf"(?!\s+(?:i|you|he|she|it|we|they)\b)(?:\s+[\w'’-]+){{0,5}}?\s+{_AUX}\b)"
)
# "do buyers", "is there", "has it", but not "(a shop that sells lamps and) has the best ones".
_INVERTED: Final = (
    rf"(?:(?!ha[sd]|have){_AUX}\s+{_SUBJECT}|(?:has|have|had)\s+(?:i|you|he|she|it|we|they|there|any\w*))\b"
)
# "show me", "compare the", but not "the show", "a list".
_ORDERED: Final = (
    r"(?:show|tell|list|compare|find|give|check|explain|describe|summari[sz]e|look\s+up)\s+"
    r"(?:me|us|the|my|all|every|whether|if|how|what|which|both|it|them)\b"
)
_WISHED: Final = r"i(?:['’]d|\s+would)?\s+(?:need|want|like)\s+(?:to|the|a|an|my|all|some)\b"
_QUESTION: Final = rf"(?:{_ASKED}|{_INVERTED}|{_ORDERED})"

# A full stop ends a sentence only before a capital or a number: "approx. two" goes on.
_SENTENCE_END: Final = re.compile(r"(?<=[?!;])\s+(?=\S)|(?<=[^\s.][^\s.]\.)\s+(?=[\"'‘“(]?[A-Z0-9])")
_ABBREVIATED: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|Mr|Mrs|Ms|Dr|Prof|Rep|Sen|Gov|Gen|St|Mt|No|vs|Inc|Ltd|Co|Corp|Bros|Jr|Sr)\.|\b[A-Z]\.)$"
)
# Where clauses may be joined: only what asks anew can part them, so that "salt and pepper" never does.
_JOINT: Final = re.compile(
    rf"(?:\s*[,—–]\s*|\s+)(?:and|but|plus|also)\s+(?:(?:also|then|secondly|finally)\s+)?(?={_QUESTION})"
    rf"|,\s+(?={_QUESTION})",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(rf"(?:{_QUESTION}|{_WISHED}|{_WH}\b(?!\s+(?:i|you|we|they|he|she)\b))", re.IGNORECASE)
# "Which company …, and is the owner of …" goes on with its subject; "which is …, and is the …" does not.
_CHOOSES: Final = re.compile(rf"(?:which|what|who|whose)\b(?!\s+{_AUX}\b)", re.IGNORECASE)
# "the man who founded it and who sold it": a relative clause follows another.
_RELATIVE: Final = re.compile(r"\w,?\s+(?:that|who|which|whose|whom|where)\b", re.IGNORECASE)
_RELATIVE_NEXT: Final = re.compile(r"(?:who|which|whose|whom|where)\b", re.IGNORECASE)
_PREDICATE_NEXT: Final = re.compile(r"(?:is|are|was|were)\s+(?:the|a|an|no|some|all)\b", re.IGNORECASE)
_LEADING: Final = re.compile(
    r"^(?:(?:and|but|so|also|then|plus|or|oh|well|ok|okay|please)\b[\s,]*|(?:hi|hello|hey)(?:\s+(?:there|all))?\s*,\s*)+",
    re.IGNORECASE,
)
# "and if so, what …" means nothing without the question before it.
_CONDITION: Final = re.compile(r"\bif\s+(?:so|yes|not|no)$", re.IGNORECASE)


def asks(text: str) -> bool:
    """Whether a clause asks for something: a question, an order such as "show me", or a wish.

    Example:
        >>> asks("how long is a card valid"), asks("show me the order"), asks("my lamp is broken")
        (True, True, False)
    """
    return text.rstrip().endswith("?") or bool(_ASKS.match(text.lstrip()))


@lru_cache(maxsize=512)
def pieces(text: str) -> tuple[str, ...]:
    """The clauses of a text that could stand alone, in order, without the "and" that joins them.

    Example:
        >>> pieces("Hello, is it heavy, and what do buyers say about salt and pepper mills?")
        ('is it heavy', 'what do buyers say about salt and pepper mills?')
    """
    found = []
    for sentence in sentences(" ".join(text.split())):
        for clause in _clauses(sentence):
            piece = _LEADING.sub("", clause.strip()) or clause.strip()
            if bare(piece):
                found.append(piece)
    return tuple(found)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, in order."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if not _ABBREVIATED.search(text[start : match.start()]):
            yield text[start : match.start()]
            start = match.end()
    yield text[start:]


def _clauses(sentence: str) -> Iterator[str]:
    start = 0
    for match in _JOINT.finditer(sentence):
        before, after = _LEADING.sub("", sentence[start : match.start()]), sentence[match.end() :]
        if _is_whole(before, after, bare=match.group().strip() == ",") and not _goes_on(before, after):
            yield before
            start = match.end()
    yield sentence[start:]


def _is_whole(before: str, after: str, *, bare: bool) -> bool:
    """Whether what stands before the joint is a clause of its own; a bare comma parts two questions alone."""
    if bare:
        return bool(_ASKS.match(before)) and not (
            _RELATIVE_NEXT.match(after) or _RELATIVE.search(before) or _CHOOSES.match(before)
        )
    return bool(_ASKS.match(before) or content(before))


def _goes_on(before: str, after: str) -> bool:
    """Whether what follows "and" goes on with the clause before: "who …, and who …", "which …, and is the …"."""
    if _CONDITION.search(before):
        return True
    chooses = bool(_CHOOSES.match(before))
    if _RELATIVE_NEXT.match(after):
        return chooses or not _ASKS.match(after) or bool(_RELATIVE.search(before))
    return chooses and bool(_PREDICATE_NEXT.match(after))
