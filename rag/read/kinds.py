"""What kind of thing a question asks for, and whether a statement has one."""

from __future__ import annotations

import re

__all__ = ["fits_kind"]

_NUMBER = (
    r"(?:\d[\d.,:]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|sixty|hundred|thousand|half)\b)"
)
_TIME_UNIT = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|min|s|h)\b"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"

# The first line whose left side fits the question says what the right side must find in the answer.
_KINDS = [
    (re.compile(asked, re.IGNORECASE), re.compile(answer, flags))
    for asked, answer, flags in (
        (
            r"\bhow (?:long|fast|soon|quick\w*|often|old|late)\b",
            rf"{_NUMBER}(?:(?:[- ]\w+)?[- ])?{_TIME_UNIT}",
            re.IGNORECASE,
        ),
        (r"\bhow heavy\b|\bweigh", rf"{_NUMBER} ?(?:kg|g|mg|t|lbs?|oz|grams?|kilos?|tons?|pounds?)\b", re.IGNORECASE),
        (
            r"\bcosts?\b|\bprices?\b|\bfees?\b|\bhow (?:much|expensive) (?:is|are|do|does|did|will|would)\b|\bamount\b",
            rf"[€$£¥] ?{_NUMBER}|{_NUMBER} ?(?:[€$£¥]|eur|usd|gbp|euros?|dollars?|pounds?|cents?|%|percent)|\bfree\b",
            re.IGNORECASE,
        ),
        (
            r"\bwhen\b|\bwhat (?:time|date|day|year)\b|\bopening hours\b",
            rf"\b\d{{1,2}}[:.]\d\d\b|\b\d{{4}}\b|\b{_MONTH}\b|\b{_DAY}\b|{_NUMBER} ?{_TIME_UNIT}",
            re.IGNORECASE,
        ),
        (
            r"\bhow (?:many|much|far|big|large|tall|high|wide|deep|thick)\b|\bwhat (?:number|percentage)\b",
            _NUMBER,
            re.IGNORECASE,
        ),
        (r"(?:^|[?.,;:] |\band )(?:by |to |with |from )?who(?:se|m)?\b", r"(?<!^)(?<![.!?] )\b[A-Z][\w'’-]+", 0),
    )
]
_COUNTED = re.compile(r"\bhow many ([a-z]+)", re.IGNORECASE)


def fits_kind(question: str, statement: str) -> float:
    """How well a statement has the kind of thing that is asked for, from 0 to 1; 0.5 where no kind is known.

    Example:
        >>> fits_kind("How heavy is it?", "It weighs 1.05 kg."), fits_kind("How heavy is it?", "It is heavy.")
        (1.0, 0.0)
        >>> fits_kind("How many days do I have?", "Within 30 days."), fits_kind("How many days?", "Up to 3 pieces.")
        (1.0, 0.5)
    """
    kind = next((answer for asked, answer in _KINDS if asked.search(question)), None)
    if kind is None:
        return 0.5
    if not kind.search(statement):
        return 0.0
    counted = _COUNTED.search(question)
    if counted and not re.search(
        rf"{_NUMBER}(?:[- ]\w+)?[- ]{re.escape(counted[1].rstrip('s'))}", statement, re.IGNORECASE
    ):
        return 0.5
    return 1.0
