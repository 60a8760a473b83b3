"""Talk for which nothing needs to be looked up: greetings, thanks, sums, questions about the assistant."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from planners.clauses import asks, pieces
from planners.language import bare, tokens

__all__ = ["is_talk", "small_talk"]

_GREETING: Final = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|greetings|good\s+(?:morning|afternoon|evening|day|night)|welcome\s+back|bye|goodbye|"
    r"see\s+you|cheers|how\s+are\s+you(?:\s+(?:doing|today))*|how['’]?s\s+it\s+going|nice\s+to\s+meet\s+you|"
    r"what['’]?s\s+up)(?:\s+(?:there|all|everyone|again|today|later|soon|team|folks|you))*",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"(?:(?:ok|okay|great|perfect|super|wonderful|alright|no)[\s,]+)*"
    r"(?:thanks|thank\s+you|thx|many\s+thanks|much\s+appreciated|"
    r"ok|okay|great|perfect|got\s+it|that\s+(?:helps|helped|was\s+all|is\s+all|will\s+be\s+all)|that['’]s\s+all)\b.*",
    re.IGNORECASE,
)
_SELF: Final = re.compile(
    r"(?:who|what)\s+are\s+you(?:\s+exactly)?|what(?:\s+is|['’]s)\s+your\s+name|who\s+(?:made|built|created)\s+you|"
    r"(?:what|how)\s+can\s+you\s+(?:do|help)(?:\s+(?:for\s+)?(?:me|us))?(?:\s+with)?|"
    r"are\s+you\s+(?:an?\s+)?(?:ai|bot|robot|human|machine|(?:real\s+)?person|chatbot)|can\s+you\s+help(?:\s+me)?",
    re.IGNORECASE,
)
# "Quick one: what is" before a sum.
_SUM_LEAD: Final = re.compile(
    r"^(?:[a-z\s]{0,24}:\s*)?(?:please\s+)?(?:what(?:\s+is|['’]s)|how\s+much\s+(?:is|are)|calculate|compute|work\s+out)?\s*",
    re.IGNORECASE,
)
# Possessive, so that no space can be read in two ways: a long sum that is none must not take for ever.
_NUMBER: Final = r"\(*-?\d+(?:[.,]\d+)*(?:\s*%)?+\)*"
_OPERATOR: Final = (
    r"(?:[-+*/x×÷^]|plus|minus|times|multiplied\s+by|divided\s+by|over|mod(?:ulo)?|to\s+the\s+power\s+of|of)"
)
_SUM: Final = re.compile(
    rf"(?:{_NUMBER}(?:\s*{_OPERATOR}\s*{_NUMBER})+|(?:the\s+)?square\s+root\s+of\s+{_NUMBER})\s*=?", re.IGNORECASE
)


@lru_cache(maxsize=512)
def small_talk(question: str) -> str | None:
    """What kind of talk the question is when nothing needs to be looked up for it.

    Example:
        >>> small_talk("Hello there!"), small_talk("What is 3 times 39?"), small_talk("Where is my order?")
        ('a greeting', 'arithmetic', None)
    """
    if _SUM.fullmatch(bare(_SUM_LEAD.sub("", " ".join(question.split()), count=1))):
        return "arithmetic"
    found = None
    for piece in pieces(question):
        # One piece that is no talk makes the whole a question: "Thanks, and where is my order?"
        if (kind := _kind(piece)) is None:
            return None
        found = kind if found in (None, "a greeting") else found
    return found


def is_talk(piece: str) -> bool:
    """Whether a piece of a question is small talk."""
    return _kind(piece) is not None


@lru_cache(maxsize=512)
def _kind(piece: str) -> str | None:
    words = bare(piece)
    if _GREETING.fullmatch(words):
        return "a greeting"
    if _SELF.fullmatch(words):
        return "about the assistant itself"
    # "Thank you for the lamp, is it dimmable?" thanks in passing.
    wants = "?" in piece or any(asks(clause) for clause in words.split(",")[1:])
    return "thanks" if _THANKS.fullmatch(words) and not wants and len(tokens(words)) <= 12 else None
