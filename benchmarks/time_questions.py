"""Questions of our own about when something was said, in other words than any set's; their turns are worked out here.

Each form is filled in for conversations whose sessions are known, and what it means is said in plain arithmetic of
dates and numbers beside it, apart from the grammar that is measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol, TypeAlias

from rag.memory.sessions import Session
from rag.types import Turn

__all__ = ["Asked", "dialogues", "forms", "free_questions"]

Sessions: TypeAlias = Sequence[Session]
Form: TypeAlias = tuple[str, str, list[int]]
"""The subtype, the words, and the numbers of the sessions that are meant."""

DAY = timedelta(days=1)
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
_NTH = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
WORDS = dict(enumerate(re.findall(r"\w+", _WORDS)))
NTH = dict(enumerate(re.findall(r"\w+", _NTH)))


@dataclass(frozen=True)
class Asked:
    """A question, the turns that answer it, and those said before it."""

    kind: str
    subtype: str
    conversation: int
    text: str
    gold: frozenset[str]
    context: tuple[Turn, ...] = ()


def suffixed(n: int) -> str:
    """A number as an ordinal: 1st, 22nd, 13th."""
    return f"{n}{'th' if 10 < n % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def _where(sessions: Sessions, holds: Callable[[date], bool]) -> list[int]:
    return [s.number for s in sessions if holds(s.start.date())]


def _said(at: date, n: int) -> str:
    """A date, in one of the ways that people write it."""
    ways = (
        f"{at:%B} {suffixed(at.day)}",
        f"{at.day} {at:%B} {at.year}",
        f"the {suffixed(at.day)} of {at:%B}",
        f"{at:%B} {at.day}, {at.year}",
        f"{at:%A}, {at:%B} {at.day}",
        f"{at.day} {at:%b}",
        f"{at:%b} {suffixed(at.day)}",
        f"{at:%Y-%m-%d}",
        f"{at.month}/{at.day}/{at:%y}",
        f"{at:%A} the {suffixed(at.day)} of {at:%B}",
        f"{at:%b}. {at.day}",
        f"{at:%B} the {suffixed(at.day)}",
    )
    return ways[n % len(ways)]


ON_A_DAY = (
    "Remind me what came up on {}.",
    "Could you give me the gist of our chat on {}?",
    "{}: what did we go over?",
    "I'd like a rundown of everything we said on {}.",
    "Pull up the conversation from {} for me, would you?",
    "Which subjects did you and I touch on when we spoke on {}?",
    "Do you still have what I told you on {}?",
    "Walk me through the talk we had on {}.",
    "what'd we chat abt on {}",
    "Refresh my memory: what was our discussion on {} about?",
    "On {} we had a long chat. What was it all about?",
    "Let's revisit {}. What were we talking about?",
)
IN_A_TIME = (
    "Sum up whatever we talked about {}.",
    "What have we been chatting about {}?",
    "{}, what was said between us?",
    "Give me the highlights of our conversations {}.",
    "Which things came up in our talks {}?",
    "I want to look back at what we discussed {}.",
    "Can you list the topics we covered {}?",
    "What were our conversations {} about?",
)
OF_A_SESSION = (
    "What was {} about?",
    "Give me a recap of {}, please.",
    "Which topics did we cover in {}?",
    "Can you go back to {} and tell me what was said?",
    "I'd love a quick summary of {}.",
    "What did the two of us get into during {}?",
)


def forms(sessions: Sessions) -> Iterator[Form]:
    """Questions of time alone about a conversation whose last session is now."""
    for part in (_days, _spans, _months, _weeks, _numbers, _backwards, _mixed):
        yield from part(sessions)


def _filled(patterns: Sequence[str], n: int, words: str) -> str:
    text = patterns[n % len(patterns)].format(words)
    return text[:1].upper() + text[1:]


def _days(sessions: Sessions) -> Iterator[Form]:
    for n, session in enumerate(sessions[:-2]):
        if n % 2 == sessions[0].start.day % 2:
            at = session.start.date()
            yield "date", _filled(ON_A_DAY, n // 2 + at.day, _said(at, n + at.day)), _where(sessions, at.__eq__)
    today = sessions[-1].start.date()
    weekdays = {s.start.date().weekday(): s.start.date() for s in sessions if s.start.date() < today}
    for n, (day, at) in enumerate(sorted(weekdays.items())):
        words = (
            f"last {at:%A}",
            f"on {at:%A}",
            f"this past {at:%A}",
            f"{at:%A}",
            f"on {at:%a}",
            f"the previous {at:%A}",
        )
        yield "weekday", _filled(IN_A_TIME, n + day, words[n % 6]), _where(sessions, at.__eq__)
        if n % 3 == 0:
            each = _where(sessions, lambda d, day=day: d.weekday() == day)  # type: ignore[misc]
            yield "weekday", _filled(IN_A_TIME, n + 3, f"on {at:%A}s"), each


def _spans(sessions: Sessions) -> Iterator[Form]:
    patterns = (
        "from {} to {}",
        "between {} and {}",
        "{} through {}",
        "from {} until {}",
        "starting {} and up to {}",
        "from {} up to {}",
    )
    for n, (a, b) in enumerate(zip(sessions[1:-3:3], sessions[3:-1:3], strict=False)):
        first, last = a.start.date(), b.start.date()
        between = _where(sessions, lambda d, a=first, b=last: a <= d <= b)  # type: ignore[misc]
        words = patterns[n % 4].format(_said(first, 2 * n), _said(last, 2 * n))
        yield "span", _filled(IN_A_TIME, n, words), between
    middle, today = sessions[len(sessions) // 2].start.date(), sessions[-1].start.date()
    yield "since", f"What have we talked about since {_said(middle, 0)}?", _where(sessions, lambda d: d >= middle)
    yield (
        "since",
        f"Everything we've discussed from {_said(middle, 1)} on, please.",
        _where(sessions, lambda d: d >= middle),
    )
    yield "since", f"What did we talk about before {_said(middle, 3)}?", _where(sessions, lambda d: d < middle)
    yield "since", f"Tell me what we said after {_said(middle, 2)}.", _where(sessions, lambda d: d > middle)
    yield "since", f"What had we discussed up to {_said(middle, 5)}?", _where(sessions, lambda d: d <= middle)
    for n, k in enumerate((2, 10, 4, 45)):
        words = (f"the past {k} days", f"these last {k} days", f"the previous {k} days", f"the last {k} days")[n]
        since = _where(sessions, lambda d, k=k: d >= today - k * DAY)  # type: ignore[misc]
        yield "rolling", _filled(IN_A_TIME, n + 1, f"over {words}"), since
    fortnight = _where(sessions, lambda d: d >= today - 14 * DAY)
    yield "rolling", "Recap the past two weeks of our chats for me.", fortnight
    yield (
        "rolling",
        "What have you and I been on about in the last couple of weeks?",
        _where(sessions, lambda d: d >= today - 21 * DAY),
    )
    yield "rolling", "What did we discuss during the past fortnight?", fortnight


def _months(sessions: Sessions) -> Iterator[Form]:
    months = sorted({(s.start.year, s.start.month) for s in sessions})
    patterns = (
        "in {}",
        "back in {}",
        "during {}",
        "throughout {}",
        "in the month of {}",
        "over the course of {}",
        "for {}",
    )
    for n, (year, month) in enumerate(months):

        def of(d: date, year: int = year, month: int = month) -> bool:
            return (d.year, d.month) == (year, month)

        name = f"{date(year, month, 1):%B}" + (f" {year}" if n % 3 == 2 else "")
        yield "month", _filled(IN_A_TIME, n + 2, patterns[n % 6].format(name)), _where(sessions, of)
    (y1, m1), (y2, m2) = months[1], months[2]
    both = _where(sessions, lambda d: (d.year, d.month) in ((y1, m1), (y2, m2)))
    yield "union", f"What did we chat about in {date(y1, m1, 1):%B} or {date(y2, m2, 1):%B}?", both
    yield "union", f"Summarise {date(y1, m1, 1):%B} and {date(y2, m2, 1):%B} for me, what did we say?", both
    ranged = _where(sessions, lambda d: (y1, m1) <= (d.year, d.month) <= months[3])
    yield "span", f"What did the two of us talk about from {date(y1, m1, 1):%B} to {date(*months[3], 1):%B}?", ranged
    for n, (year, month) in enumerate(months[1:-1]):
        for which, low, high in (("early", 1, 11), ("mid", 11, 21), ("late", 21, 31)):

            def third(d: date, y: int = year, m: int = month, a: int = low, b: int = high) -> bool:
                return (d.year, d.month) == (y, m) and a < d.day < b

            inside = _where(sessions, third)
            edges = [
                s for s in sessions if (s.start.year, s.start.month) == (year, month) and s.start.day in (low, high)
            ]
            if inside and not edges and n % 2:
                name = f"{date(year, month, 1):%B}"
                words = {"early": f"in early {name}", "mid": f"in mid-{name}", "late": f"towards the end of {name}"}[
                    which
                ]
                yield "edge", _filled(IN_A_TIME, n, words), inside
    now = sessions[-1].start.date()
    for n, k in enumerate((2, 3, 1)):
        month = (now.month - k - 1) % 12 + 1
        year = now.year - (month > now.month)
        found = _where(sessions, lambda d, y=year, m=month: (d.year, d.month) == (y, m))  # type: ignore[misc]
        if found:
            words = (f"{WORDS[k]} months back", f"{k} months ago", "a month ago")[n]
            yield "months ago", _filled(IN_A_TIME, n + 4, words), found


def _weeks(sessions: Sessions) -> Iterator[Form]:
    now = sessions[-1].start.date()
    monday = now - now.weekday() * DAY
    for k, words in enumerate(("this week", "last week", "two weeks ago", "the week before last", "three weeks ago")):
        back = (0, 1, 2, 2, 3)[k]
        start = monday - 7 * back * DAY
        found = _where(sessions, lambda d, a=start: a <= d < a + 7 * DAY)  # type: ignore[misc]
        if found:
            yield "week", _filled(IN_A_TIME, k + 5, words), found
    weekends = _where(sessions, lambda d: d.weekday() > 4)
    yield "weekend", "What do we usually talk about on weekends?", weekends
    for session in sessions[2:-4:5]:
        at = session.start.date()
        start = at - at.weekday() * DAY
        found = _where(sessions, lambda d, a=start: a <= d < a + 7 * DAY)  # type: ignore[misc]
        yield "week", f"What did we discuss the week of {at:%B} {suffixed(at.day)}?", found


def _numbers(sessions: Sessions) -> Iterator[Form]:
    count = len(sessions)
    ways = (
        lambda k: f"our {NTH[k]} conversation",
        lambda k: f"session {k}",
        lambda k: f"the {suffixed(k)} chat we had",
        lambda k: f"session number {WORDS[k]}",
        lambda k: f"conversation #{k}",
        lambda k: f"the {NTH[k]} time we talked",
    )
    for n, k in enumerate(range(1, min(count, 13), 2)):
        yield "number", _filled(OF_A_SESSION, n + count, ways[n % 5](k)), [k]
    yield "number", "What did we say in our very first conversation?", [1]
    yield "number", "How did our opening session go, what was it about?", [1]
    yield "number", "Tell me about the first time we talked.", [1]
    yield "numbers", f"Summarize sessions 2-{5} for me.", [2, 3, 4, 5]
    yield "numbers", "What ground did our first three chats cover?", [1, 2, 3]
    yield "numbers", "Give me a recap of the first couple of sessions.", [1, 2, 3]
    yield "numbers", "What was discussed between the fourth and the seventh session?", [4, 5, 6, 7]
    yield "numbers", "Compare our second and sixth conversations: what was each about?", [2, 6]
    yield "numbers", "What did we talk about in sessions 3, 5 and 8?", [3, 5, 8]


def _backwards(sessions: Sessions) -> Iterator[Form]:
    count = len(sessions)
    yield "back", "What did we talk about last time?", [count]
    yield "back", "Where did we leave off in our most recent chat?", [count]
    yield "back", "Sum up our latest conversation.", [count]
    yield "back", "What was our previous discussion about?", [count]
    yield "back", "What did we get into the time before last?", [count - 1]
    yield "back", "Recap our second to last session.", [count - 1]
    yield "back", "What came up in our penultimate conversation?", [count - 1]
    yield "back", "What was our third-to-last chat about?", [count - 2]
    yield "back", "Tell me about the session before the last one, what did we say?", [count - 1]
    yield "back", "What did we cover in our last four sessions?", list(range(count - 3, count + 1))
    yield "back", "Recap our 3 most recent conversations.", list(range(count - 2, count + 1))
    for n, k in enumerate((3, 6, 9, 12)):
        words = (f"{WORDS[k]} sessions ago", f"{k} chats ago", f"{WORDS[k]} conversations back", f"{k} talks ago")[n]
        yield "ago", _filled(IN_A_TIME, n + 1, words), [count + 1 - k]
    today = sessions[-1].start.date()
    for n, session in enumerate(sessions[-9:-3:2]):
        k = (today - session.start.date()).days
        words = (f"{k} days ago", f"{k} days back", f"{k} days before today")[n]
        found = _where(sessions, session.start.date().__eq__)
        yield "ago", _filled(IN_A_TIME, n + 2, words), found
    if earlier := [s.number for s in sessions[:-1] if s.start.date() == today]:
        yield "today", "What were we talking about earlier on today?", earlier
        yield "today", "Before this, what did we discuss earlier today?", earlier


def _mixed(sessions: Sessions) -> Iterator[Form]:
    months: dict[tuple[int, int], list[int]] = {}
    for session in sessions:
        months.setdefault((session.start.year, session.start.month), []).append(session.number)
    for n, ((year, month), numbers) in enumerate(months.items()):
        if len(numbers) > 2 and n:
            name = f"{date(year, month, 1):%B}"
            yield "mixed", f"What was our last conversation in {name} about?", numbers[-1:]
            yield "mixed", f"What did we say in the second session of {name}?", numbers[1:2]
            yield "mixed", f"Recap our first two chats in {name}.", numbers[:2]
            break
    for n, session in enumerate(sessions[3:-3:6]):
        at = session.start.date()
        words = _said(at, (0, 3, 5)[n % 3])
        yield "following", f"What was the session before the one on {words} about?", [session.number - 1]
        yield "following", f"What came up in the conversation right after {words}?", [session.number + 1]
        yield (
            "offset",
            f"What did we talk about the day before {at + DAY:%B} {suffixed((at + DAY).day)}?",
            _where(sessions, at.__eq__),
        )
    mornings = [s.number for s in sessions if 5 <= s.start.hour < 11]
    early = sessions[mornings[-3] - 1].start.date() if len(mornings) > 3 else date.max
    if len(_where(sessions, early.__eq__)) == 1:
        yield "mixed", f"What did we discuss on the morning of {_said(early, 0)}?", _where(sessions, early.__eq__)
        yield "mixed", f"And on {_said(early, 3)}, in the morning, what did we say?", _where(sessions, early.__eq__)


OPENERS = (
    ("We had a good talk {}.", "We did, I enjoyed it."),
    ("I was going through my diary and saw that we spoke {}.", "That's right."),
    ("Didn't we have a chat {}?", "We sure did!"),
    ("I keep thinking of the conversation we had {}.", "Oh, which part of it?"),
    ("There was something we discussed {}.", "I think I know what you mean."),
)
MIDDLES: tuple[tuple[str, ...], ...] = (
    (),
    ("I can't for the life of me remember it.", "No problem, shall I help?"),
    ("My head is like a sieve these days.", "Ha, mine too! Want me to look it up?"),
    ("Time flies, doesn't it?", "It really does.", "Anyway.", "Go on."),
)
CLOSERS = (
    "What was it about?",
    "Please give me the short version.",
    "So what did we talk about then?",
    "Go ahead, tell me.",
    "Can you jog my memory?",
    "Would you mind summing that up?",
)


def dialogues(sessions: Sessions) -> Iterator[tuple[str, tuple[str, ...], list[int]]]:
    """Dialogues whose last turn asks for a time that was said turns before: subtype, turns, session numbers."""
    today = sessions[-1].start.date()
    chosen = sessions[1:-4:3]
    for n, session in enumerate(chosen):
        at, k = session.start.date(), len(sessions) + 1 - session.number
        days = (today - at).days
        words = (f"on {_said(at, n)}", f"{k} sessions ago", f"{days} days ago", f"on the {suffixed(at.day)} of {at:%B}")
        numbers = [session.number] if n % 4 == 1 else _where(sessions, at.__eq__)
        opener, answer = OPENERS[n % len(OPENERS)]
        turns = (opener.format(words[n % 4]), answer, *MIDDLES[n % len(MIDDLES)], CLOSERS[n % len(CLOSERS)])
        yield ("date", "sessions ago", "days ago", "date")[n % 4], turns, numbers
    first, second = chosen[0].start.date(), chosen[1].start.date()
    other = ("What did we discuss on {}?", "You spoke about many things.", "And on {}?")
    yield (
        "ellipsis",
        (other[0].format(_said(first, 0)), other[1], other[2].format(_said(second, 0))),
        _where(sessions, second.__eq__),
    )
    yield (
        "ellipsis",
        ("Recap our first session.", "Sure: work, family and plans.", "What about the second one?"),
        [2],
    )


class Talked(Protocol):
    """A conversation: its sessions, and the session of each turn."""

    @property
    def sessions(self) -> Sessions: ...
    @property
    def number(self) -> Mapping[str, int]: ...


def free_questions(talked: Mapping[int, Talked]) -> Iterator[Asked]:
    """All questions about some conversations."""
    for conversation, talk in talked.items():
        sessions = talk.sessions

        def gold(numbers: list[int], of: Mapping[str, int] = talk.number) -> frozenset[str]:
            return frozenset(turn_id for turn_id, number in of.items() if number in numbers)

        for subtype, text, numbers in forms(sessions):
            yield Asked("time", subtype, conversation, text, gold(numbers))
        for subtype, said, numbers in dialogues(sessions):
            before = tuple(Turn(text=text, speaker="ab"[n % 2]) for n, text in enumerate(said[:-1]))
            yield Asked("ambiguous", subtype, conversation, said[-1], gold(numbers), before)
