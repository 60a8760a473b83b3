"""Questions about an invented diary of talks, asked as people ask: is each window exact, and none where none is meant?

    python -m benchmarks.time_words

Each question stands with the numbers of the sessions that it means, or None where its time words are not about the
conversation. They were written before they were first read: 66.2 % had an exact window then, and 2 of the 18 others
had one at all; the grammar has been mended by them since, so that what they measure now is that nothing is lost.

Windows are counted as well on LoCoMo dev, whose questions are not of time: those that hold all turns that answer
their question are about the conversation, and the others are false.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.common import data_dir, jsonl, qrels, report
from benchmarks.memory_recall import locomo_turn
from benchmarks.memory_time import recall_and_f2
from rag.memory.sessions import Session, split
from rag.memory.when import Window, read
from rag.types import Turn

BEGUN: Final = (
    "2025-12-24 20:00", "2025-12-25 11:00", "2025-12-31 22:30", "2026-01-01 13:00", "2026-01-19 09:00",
    "2026-02-14 18:00", "2026-03-17 12:00", "2026-04-03 10:00", "2026-04-05 15:00", "2026-04-21 08:30",
    "2026-04-27 09:00", "2026-05-04 17:00", "2026-05-05 10:00", "2026-05-05 14:00", "2026-05-05 21:00",
    "2026-05-09 11:00", "2026-05-11 08:00", "2026-05-12 23:30", "2026-05-13 20:00", "2026-05-14 09:00",
    "2026-05-14 19:00",
)  # fmt: skip
"""When the sessions began; the last one goes on now, half an hour later."""
NOW: Final = datetime(2026, 5, 14, 19, 30, tzinfo=UTC)


def _to(a: int, b: int) -> tuple[int, ...]:
    return tuple(range(a, b + 1))


ASKED: Final[Mapping[str, tuple[int, ...] | None]] = {
    "What did you say just now?": (21,),
    "what were we just talking about?": (21,),
    "What have we been talking about lately?": _to(12, 21),
    "Have we discussed anything important recently?": _to(12, 21),
    "Recap week 19 for me, what did we say?": _to(12, 16),
    "what did we cover in 2026-W18?": (11,),
    "In calendar week 20, what did we discuss?": _to(17, 21),
    "What did we talk about on Monday the 27th?": (11,),
    "Tuesday 21, what came up in our chat?": (10,),
    "What did we chat about at Christmas?": (1, 2),
    "On Christmas Day, what did we talk about?": (2,),
    "On Christmas Eve, what did I tell you?": (1,),
    "What was our talk on New Year's Eve about?": (3,),
    "And what did we discuss on New Year's Day?": (4,),
    "What did I say to you on Valentine's?": (6,),
    "Over Easter, what did we talk about?": (8, 9),
    "What did you tell me on Easter Sunday?": (9,),
    "What did we discuss on Good Friday?": (8,),
    "Our St Patrick's Day chat: what was it about?": (7,),
    "Over the holidays, what did we talk about?": _to(1, 4),
    "Remind me what you told me the day before yesterday.": (18,),
    "What was it you told me this morning?": (20,),
    "Earlier today, what did we settle on?": (20,),
    "What did we chat about last night?": (19,),
    "What were we saying late on Tuesday night?": (18,),
    "What did we say in the third conversation on Tuesday the 5th?": (15,),
    "Take me through the second of our talks on May 5.": (14,),
    "Which subjects did our afternoon chat on the 5th touch?": (14,),
    "Give me the session before last.": (20,),
    "What did we go over two chats before this one?": (19,),
    "The first time we ever spoke, what was it about?": (1,),
    "Since New Year, what have we discussed?": _to(4, 21),
    "So far this month, what have we talked about?": _to(12, 21),
    "On the weekend, what did I tell you?": (16,),
    "What did you tell me this Monday?": (17,),
    "What did you tell me Monday last week?": (12,),
    "What was last Saturday's conversation about?": (16,),
    "Ten days ago I told you something. What was it?": (12,),
    "In Q1, what did we go over in our talks?": _to(4, 7),
    "What did we talk about in the first quarter of this year?": _to(4, 7),
    "What were we discussing back in winter?": _to(1, 6),
    "What did we discuss in late April?": (10, 11),
    "What did we say in the last week of April?": (11,),
    "Towards the end of last year, what were we talking about?": (1, 2, 3),
    "What came up between New Year's Eve and Valentine's Day in our conversations?": _to(3, 6),
    "What did I mention yesterday evening?": (19,),
    "Ten hours ago you told me something, what was it?": (20,),
    "What'd I ask you at 9 this morning?": (20,),
    "What did we discuss on the 19th of Jan?": (5,),
    "What did we discuss on 19/01?": (5,),
    "What did we say on 14.2.?": (6,),
    "What did you tell me on May the 4th?": (12,),
    "The evening of the 5th, what did we talk about?": (15,),
    "What did we talk about two Mondays ago?": (12,),
    "What did we discuss on the last two Tuesdays?": (13, 14, 15, 18),
    "What did we talk about in the past 48 hours?": _to(18, 21),
    "Sum up the last 24 hours of our chat.": _to(19, 21),
    "Our last but one conversation, what was in it?": (20,),
    "Sessions four through six, in short?": (4, 5, 6),
    "What were both of today's chats about?": (20, 21),
    "Give me all of our talks from Tuesday the 5th.": (13, 14, 15),
    "What did we talk about the night before last?": (18,),
    "The other day you told me about a boat. Which one?": _to(16, 19),
    "A couple of days ago, what was it that I asked you?": (17, 18, 19),
    "Some time last month, what did I say about the boat?": _to(8, 11),
    "What did we discuss the month before last?": (7,),
    "What have I told you earlier this week?": _to(17, 20),
    "What happened in our talk Wed?": (19,),
    "What should I buy my sister for Christmas?": None,
    "Which recently released phones do you recommend?": None,
    "What are the opening hours on New Year's Eve?": None,
    "Is the shop closed on Monday the 21st?": None,
    "How many days are there in week 19?": None,
    "Who said goodbye to the sailors on 3 June?": None,
    "What did Anna cook on Valentine's Day?": None,
    "When did John last go fishing?": None,
    "Has she been feeling better lately?": None,
    "What happened at Christmas 1914?": None,
    "Which movies came out recently?": None,
    "Should I say hello to him on Monday?": None,
    "Tell me about the January sales.": None,
    "What does the report say about the second half of the game?": None,
    "Did Maria just start a new job?": None,
    "How do people celebrate Easter in Greece?": None,
    "What does the handbook say about holidays?": None,
    "Is it true that she just told him everything?": None,
}


def diary() -> tuple[Session, ...]:
    """The sessions of the diary."""
    starts = [datetime.fromisoformat(begun).replace(tzinfo=UTC) for begun in BEGUN]
    ends = [*(start + timedelta(minutes=10) for start in starts[:-1]), NOW]
    pairs = enumerate(zip(starts, ends, strict=True), 1)
    return tuple(Session(number, None, "c", start, end, "UTC", 2) for number, (start, end) in pairs)


def meant(window: Window | None, sessions: tuple[Session, ...]) -> tuple[int, ...] | None:
    """The numbers of the sessions of which a window holds the beginning or the end."""
    if window is None:
        return None
    holds = (s for s in sessions if window.holds(s.start, s.number) or window.holds(s.end, s.number))
    return tuple(session.number for session in holds)


def worded() -> dict[str, Any]:
    """The share of questions whose window is exact, recall and F2 over sessions, and windows that are false."""
    sessions = diary()
    found = {text: meant(read(text, now=NOW, sessions=sessions).window, sessions) for text in ASKED}
    timed = {text: gold for text, gold in ASKED.items() if gold is not None}
    scores = [recall_and_f2(set(map(str, found[t] or ())), frozenset(map(str, gold))) for t, gold in timed.items()]
    others = [text for text, gold in ASKED.items() if gold is None]
    return {
        "questions": len(timed),
        "exact": round(100 * sum(found[text] == gold for text, gold in timed.items()) / len(timed), 1),
        "recall": round(100 * sum(recall for recall, _ in scores) / len(timed), 1),
        "f2": round(100 * sum(f2 for _, f2 in scores) / len(timed), 1),
        "missed": [text for text, gold in ASKED.items() if found[text] != gold],
        "others": {"questions": len(others), "false windows": sum(found[text] is not None for text in others)},
    }


def locomo() -> dict[str, Any]:
    """Windows of questions that are not of time: those about the conversation, and those that are false."""
    folder = data_dir("locomo")
    said: dict[str, Turn] = {}
    talks: dict[str, list[Turn]] = defaultdict(list)
    for line in jsonl(folder / "corpus.jsonl.gz"):
        conversation, turn = locomo_turn(line)
        said[turn.turn_id or ""] = turn
        talks[conversation].append(turn)
    sessions, gold = {name: split(turns) for name, turns in talks.items()}, qrels(folder)
    counts, false = {"questions": 0, "about the conversation": 0, "false": 0}, []
    for query in jsonl(folder / "queries.jsonl.gz"):
        of = sessions[query["metadata"]["conversation"]]
        window = read(query["text"], now=of[-1].end, sessions=of).window
        counts["questions"] += 1
        if window is None:
            continue
        turns = [said[turn_id] for turn_id in gold.get(query["_id"], ())]
        right = bool(turns) and all(turn.at and window.holds(turn.at, int(turn.session or 0)) for turn in turns)
        counts["about the conversation" if right else "false"] += 1
        false += [] if right else [query["text"]]
    return {**counts, "false share": round(counts["false"] / counts["questions"], 4), "false windows": false}


def main() -> None:
    report("time_words", {"worded": worded(), "locomo": locomo()})


if __name__ == "__main__":
    main()
