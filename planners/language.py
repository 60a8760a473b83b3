"""English, as far as routing needs it: words and stems, small talk, and the parts of a question.

Nothing here knows of sources. The rules look at function words and word order alone, so that they
hold for any subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["asked", "content", "leans", "named_things", "parts", "small_talk", "stem", "tokens"]

_TOKEN: Final = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")

_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """
    a about after again all also am an and any anyone anything are as at be because been before being both but by
    can check could did do does doing done each either else every everything for from further get gets give going
    got had has have having he her here hers him his how i if in into is it its itself just know let like list look
    many may me might mine more most much must my need no nor not now of off ok on once one only or other our ours
    out over own per please quick same say says shall she should show so some something still such tell than that
    the their theirs them then there these they thing things this those through to too under until up us very want
    was way we were what when where whether which while who whom whose why will with within would yes yet you your
    yours
""",
    )
)

_WH: Final = r"(?:what|when|where|which|who|why|how)"
_AUX: Final = (
    r"(?:do|does|did|is|are|was|were|can|could|will|would|shall|should|may|might|must|have|has|had)(?:n['’]t)?"
)
_SUBJECT: Final = (
    r"(?:i|you|he|she|it|we|they|there|this|that|these|those|the|a|an|my|our|your|his|her|its|their|any|some|all|"
    r"every|each|no|people|anyone|someone|[a-z]{3,}s)"
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
_ORDERED: Final = (
    r"(?:show|tell|list|compare|find|give|check|explain|describe|summari[sz]e|look\s+up)\s+"
    r"(?:me|us|the|my|all|every|whether|if|how|what|which|both|it|them)\b"
)
_WISHED: Final = r"i(?:['’]d|\s+would)?\s+(?:need|want|like)\s+(?:to|the|a|an|my|all|some)\b"
_QUESTION: Final = rf"(?:{_ASKED}|{_INVERTED}|{_ORDERED})"

_SENTENCE_END: Final = re.compile(r"(?<=[?!;])\s+(?=\S)|(?<=[^\s.][^\s.]\.)\s+(?=[\"'‘“(]?[A-Z0-9])")
_ABBREVIATED: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|Mr|Mrs|Ms|Dr|Prof|Rep|Sen|Gov|Gen|St|Mt|No|vs|Inc|Ltd|Co|Corp|Bros|Jr|Sr)\.|\b[A-Z]\.)$"
)
_JOINT: Final = re.compile(
    rf"(?:\s*[,—–]\s*|\s+)(?:and|but|plus|also)\s+(?:(?:also|then|secondly|finally)\s+)?(?={_QUESTION})"
    rf"|,\s+(?={_QUESTION})",
    re.IGNORECASE,
)
_BARE_COMMA: Final = re.compile(r"\s*,\s*")
_ASKS: Final = re.compile(rf"(?:{_QUESTION}|{_WISHED}|{_WH}\b(?!\s+(?:i|you|we|they|he|she)\b))", re.IGNORECASE)
_CHOOSES: Final = re.compile(rf"(?:which|what|who|whose)\b(?!\s+{_AUX}\b)", re.IGNORECASE)
_RELATIVE: Final = re.compile(r"\w,?\s+(?:that|who|which|whose|whom|where)\b", re.IGNORECASE)
_RELATIVE_NEXT: Final = re.compile(r"(?:who|which|whose|whom|where)\b", re.IGNORECASE)
_PREDICATE_NEXT: Final = re.compile(r"(?:is|are|was|were)\s+(?:the|a|an|no|some|all)\b", re.IGNORECASE)
_LEADING: Final = re.compile(r"^(?:and|but|so|also|then|plus|or|oh|well|ok|okay|please)\b[\s,]*", re.IGNORECASE)

_COMPARED: Final = (
    re.compile(
        r"\bcompare\s+(?:(?P<what>the\s+[\w\s-]{2,40}?\s+(?:of|in|for))\s+)?(?P<one>.+?)\s+(?:with|to|and|against)\s+"
        r"(?:(?:that|those|the\s+one)\s+of\s+)?(?P<two>.+)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<what>differences?)\s+between\s+(?P<one>.+?)\s+and\s+(?P<two>.+)", re.IGNORECASE),
)

_NAMED: Final = re.compile(
    r"[\"“][^\"“”]{2,60}[\"”]|\b[A-Z][\w'’.-]*\w(?:\s+(?:[A-Z][\w'’-]*|\d[\w.-]*\b)|\s+(?:of|the|and|&)(?=\s+[A-Z])(?=\s+(?!The\b)))*"
)
_GREETING: Final = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|greetings|good\s+(?:morning|afternoon|evening|day|night)|welcome\s+back|bye|goodbye|"
    r"see\s+you|cheers|how\s+are\s+you(?:\s+(?:doing|today))*|how['’]?s\s+it\s+going|nice\s+to\s+meet\s+you|"
    r"what['’]?s\s+up)(?:\s+(?:there|all|everyone|again|today|later|soon|team|folks|you))*",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"(?:(?:ok|okay|great|perfect|super|wonderful|alright|no)[\s,]+)*(?:thanks|thank\s+you|thx|many\s+thanks|much\s+appreciated|"
    r"ok|okay|great|perfect|got\s+it|that\s+(?:helps|helped|was\s+all|is\s+all|will\s+be\s+all)|that['’]s\s+all)\b.*",
    re.IGNORECASE,
)
_SELF: Final = re.compile(
    r"(?:who|what)\s+are\s+you(?:\s+exactly)?|what(?:\s+is|['’]s)\s+your\s+name|who\s+(?:made|built|created)\s+you|"
    r"(?:what|how)\s+can\s+you\s+(?:do|help)(?:\s+(?:for\s+)?(?:me|us))?(?:\s+with)?|"
    r"are\s+you\s+(?:an?\s+)?(?:ai|bot|robot|human|machine|(?:real\s+)?person|chatbot)|can\s+you\s+help(?:\s+me)?",
    re.IGNORECASE,
)
_SUM_LEAD: Final = re.compile(
    r"^(?:[a-z\s]{0,24}:\s*)?(?:please\s+)?(?:what(?:\s+is|['’]s)|how\s+much\s+(?:is|are)|calculate|compute|work\s+out)?\s*",
    re.IGNORECASE,
)
_NUMBER: Final = r"\(*-?\d+(?:[.,]\d+)*\s*%?\)*"
_OPERATOR: Final = (
    r"(?:[-+*/x×÷^]|plus|minus|times|multiplied\s+by|divided\s+by|over|mod(?:ulo)?|to\s+the\s+power\s+of|%?\s*of)"
)
_SUM: Final = re.compile(
    rf"(?:{_NUMBER}(?:\s*{_OPERATOR}\s*{_NUMBER})+|(?:the\s+)?square\s+root\s+of\s+{_NUMBER})\s*=?", re.I
)


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, in order, in lower case; "25", "O-1042" and "don't" are words."""
    return tuple(match.group().casefold() for match in _TOKEN.finditer(text))


def content(text: str) -> tuple[str, ...]:
    """The stems of the words that carry meaning, in order, each once.

    Example:
        >>> content("What do the reviewers say about its batteries?")
        ('review', 'batteri')
    """
    return tuple(dict.fromkeys(stem(word) for word in tokens(text) if word not in _STOP))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word less its commonest endings, so that its forms meet.

    Example:
        >>> {stem(w) for w in ("order", "orders", "ordered", "ordering")}
        {'order'}
        >>> stem("policies") == stem("policy"), stem("shipped") == stem("shipment")
        (True, False)
    """
    word = word.casefold()
    word = re.sub(r"['’]s?$", "", word)
    if len(word) < 4 or not word.isalpha():
        return word
    word = re.sub(r"(?<=[^s])ies$", "y", word)
    word = re.sub(r"(?<=sh|ch|ss)es$|(?<=[xz])es$|(?<=[^su])s$", "", word)
    word = re.sub(r"(?<=[a-z]{3})(?:ing|ed)$|(?<=[a-z]{5})ers?$", "", word)
    word = re.sub(r"([bdfgkmnprt])\1$", r"\1", word)
    return re.sub(r"y$", "i", re.sub(r"(?<=[a-z]{3})e$", "", word))


def small_talk(question: str) -> str | None:
    """What kind of talk the question is when nothing needs to be looked up for it.

    Example:
        >>> small_talk("Hello there!"), small_talk("What is 3 times 39?"), small_talk("Where is my order?")
        ('a greeting', 'arithmetic', None)
    """
    if _SUM.fullmatch(_bare(_SUM_LEAD.sub("", question.strip(), count=1))):
        return "arithmetic"
    kinds = [_kind_of_talk(piece) for piece in _pieces(question)]
    if not kinds or None in kinds:
        return None
    return next((kind for kind in kinds if kind != "a greeting"), "a greeting")


def _kind_of_talk(sentence: str) -> str | None:
    bare = _bare(_LEADING.sub("", sentence))
    if _GREETING.fullmatch(bare):
        return "a greeting"
    if _SELF.fullmatch(bare):
        return "about the assistant itself"
    asks = "?" in sentence or any(_ASKS.match(clause) for clause in _BARE_COMMA.split(bare)[1:])
    if _THANKS.fullmatch(bare) and not asks and len(tokens(bare)) <= 12:
        return "thanks"
    return None


def _bare(text: str) -> str:
    return text.strip(" \t\n.,!?;:-–—\"'").strip()


def parts(question: str) -> tuple[str, ...]:
    """The questions within a question, each as it stands, in order; never none for a text with words.

    Statements go with the question after them, or before them at the end. "and" parts two questions
    only where a new one begins, never within a noun phrase.

    Example:
        >>> parts("Is it heavy, and what do buyers say about the salt and pepper shaker?")
        ('Is it heavy', 'what do buyers say about the salt and pepper shaker?')
        >>> parts("Compare the weight of the Ridge with that of the Fell.")
        ('the weight of the Ridge', 'the weight of the Fell')
    """
    asked: list[str] = []
    told: list[str] = []
    for piece in _pieces(question):
        if _kind_of_talk(piece):
            continue
        if piece.endswith("?") or _ASKS.match(piece):
            asked.extend(_fanned(" ".join([*told, piece])))
            told = []
        else:
            told.append(piece)
    if told and asked:
        asked[-1] = " ".join([asked[-1], *told])
    return tuple(asked) or ((" ".join(told),) if told else (question.strip(),))


def asked(part: str) -> str:
    """A part less the statements before its question, where the question says enough without them.

    Example:
        >>> asked("I read in the bath. Which of your lamps is waterproof?")
        'Which of your lamps is waterproof?'
        >>> asked("I pay monthly. From what amount do you offer that?")
        'I pay monthly. From what amount do you offer that?'
    """
    last = list(_sentences(part))[-1]
    return last if len(content(last)) > 1 and not leans(last) else part


def _pieces(question: str) -> Iterator[str]:
    for sentence in _sentences(question):
        for clause in _clauses(sentence):
            if _bare(clause):
                yield clause.strip()


def _sentences(text: str) -> Iterator[str]:
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
    yield _LEADING.sub("", sentence[start:]) if start else sentence[start:]


def _is_whole(before: str, after: str, *, bare: bool) -> bool:
    """Whether what stands before the joint is a clause of its own; a bare comma parts two questions alone."""
    if bare:
        return bool(_ASKS.match(before)) and not (
            _RELATIVE_NEXT.match(after) or _RELATIVE.search(before) or _CHOOSES.match(before)
        )
    return bool(_ASKS.match(before) or content(before))


def _goes_on(before: str, after: str) -> bool:
    """Whether what follows "and" goes on with the clause before: "who …, and who …", "which …, and is the …"."""
    chooses = bool(_CHOOSES.match(before))
    if _RELATIVE_NEXT.match(after):
        return chooses or not _ASKS.match(after) or bool(_RELATIVE.search(before))
    return chooses and bool(_PREDICATE_NEXT.match(after))


def _fanned(piece: str) -> tuple[str, ...]:
    for pattern in _COMPARED:
        if match := pattern.search(piece):
            what = (match["what"] or "").strip()
            joint = " " if what.endswith((" of", " in", " for")) else " of "
            return tuple(
                f"{what}{joint}{_bare(match[side])}" if what else _bare(match[side]) for side in ("one", "two")
            )
    return (piece,)


def leans(part: str) -> bool:
    """Whether a part of a question has a pronoun that points at something said before."""
    return bool(
        re.search(r"\b(?:it|its|they|them|their|theirs|that|those|these|this|one|ones|he|she|his|her)\b", part, re.I)
    )


def named_things(text: str) -> tuple[str, ...]:
    """What a text calls by a name of its own: runs of capitalised words, and quotations, in order.

    Example:
        >>> named_things("How much storage has the Folio 6 E-Reader in Ghent?")
        ('Folio 6 E-Reader', 'Ghent')
    """
    found = []
    for match in _NAMED.finditer(text):
        words = match.group().strip('"“”').split()
        # The first word of a sentence has its capital anyway.
        starts = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".?!:"
        if starts and (len(words) == 1 or words[0].casefold() in _STOP):
            words = words[1:]
        if words and not (len(words) == 1 and words[0].casefold() in _STOP):
            found.append(" ".join(words))
    return tuple(dict.fromkeys(found))
