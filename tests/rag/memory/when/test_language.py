"""What people say of time, and the sessions they mean, at 18:00 on Friday, 15 May 2026."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rag.memory.sessions import Session
from rag.memory.when import read

NOW = datetime(2026, 5, 15, 18, tzinfo=UTC)
STARTS = (
    (3, 3, 10, 0),  # 1 Tuesday
    (3, 17, 9, 0),  # 2 Tuesday
    (3, 29, 20, 0),  # 3 Sunday
    (4, 8, 14, 0),  # 4 Wednesday
    (4, 18, 11, 0),  # 5 Saturday
    (4, 27, 10, 0),  # 6 Monday
    (5, 5, 9, 0),  # 7 Tuesday
    (5, 5, 10, 12),  # 8 the same day
    (5, 5, 19, 30),  # 9 the same day
    (5, 9, 23, 30),  # 10 Saturday, past midnight
    (5, 13, 8, 15),  # 11 Wednesday
    (5, 14, 21, 0),  # 12 Thursday
    (5, 15, 9, 0),  # 13 today
    (5, 15, 17, 50),  # 14 now
)


def _session(number: int, start: datetime) -> Session:
    end = NOW if number == 14 else start + timedelta(minutes=70 if number == 10 else 10)
    return Session(number, None, "c", start, end, "UTC", 10)


SESSIONS = tuple(_session(n, datetime(2026, *start, tzinfo=UTC)) for n, start in enumerate(STARTS, 1))


def meant(question: str, **given: object) -> list[int] | None:
    """The sessions whose first or last turn a question's window holds; None where it has no window."""
    window = read(question, now=NOW, sessions=SESSIONS, **given).window  # type: ignore[arg-type]
    if window is None:
        return None
    return [s.number for s in SESSIONS if window.holds(s.start, s.number) or window.holds(s.end, s.number)]


@pytest.mark.parametrize(
    ("question", "sessions"),
    [
        # dates
        ("What did we talk about on May 5th?", [7, 8, 9]),
        ("what did we talk about on 5/5?", [7, 8, 9]),
        ("Remind me what you said on the 5th", [7, 8, 9]),
        ("what'd I tell you on the fifth of May", [7, 8, 9]),
        ("Our chat from Wed the 8th of April - what was it about?", [4]),
        ("Anything we said on 2026-04-18?", [5]),
        ("tell me what we discussed on apr 27", [6]),
        ("on the twenty-ninth of march 2026 we spoke, about what?", [3]),
        ("What was said on the 18th of last month, I mean March 17?", [2]),
        ("What was our conversation of April 8 about?", [4]),
        ("Give me everything from May 5.", [7, 8, 9]),
        ("Do you remember April 8th? What did we say?", [4]),
        ("What did you say on 18.04.2026?", [5]),
        ("What did we discuss on the Ides of, sorry, on March 17?", [2]),
        # weekdays
        ("What did we discuss on Tuesday?", [7, 8, 9]),
        ("What did we discuss last Tuesday?", [7, 8, 9]),
        ("what did you tell me on tues?", [7, 8, 9]),
        ("What did we talk about this past Wednesday?", [11]),
        ("We spoke on Saturday; about what?", [10]),
        ("What did we say on Monday?", [6]),
        ("What do we chat about on Tuesdays?", [1, 2, 7, 8, 9]),
        ("Tell me what we discussed on Tuesday morning", [7, 8]),
        ("what did we talk about tuesday evening", [9]),
        ("What did we talk about on Wednesday and Thursday?", [11, 12]),
        ("What did we chat about Wednesday or Saturday?", [10, 11]),
        ("The third conversation on Tuesday, what was it about?", [9]),
        ("What did we say in the first of our chats on Tuesday?", [7]),
        ("What was the second chat last Tuesday about?", [8]),
        ("What did we discuss two Tuesdays ago?", [7, 8, 9]),
        ("What did we discuss the Wednesday before last?", [7, 8, 9]),
        ("What came up on Tuesday of last week?", [7, 8, 9]),
        ("What came up on Wednesday this week?", [11]),
        ("Did we talk about anything on the weekend?", [10]),
        ("What did we discuss last weekend?", [10]),
        ("What did we discuss over the weekend?", [10]),
        ("what did we chat about on weekends in april", [5]),
        ("Wensday's chat, what was it on?", [11]),
        # days, weeks, months back
        ("What did we talk about yesterday?", [12]),
        ("What did we talk about last night?", [12]),
        ("What did we say yesterday evening?", [12]),
        ("What have we said today?", [13, 14]),
        ("What did we discuss this morning?", [13]),
        ("What did we discuss earlier today?", [13]),
        ("What did I ask you earlier this week?", [11, 12, 13]),
        ("What did I say the day before yesterday?", [11]),
        ("What did we talk about 10 days ago?", [7, 8, 9]),
        ("What did we talk about ten days back?", [7, 8, 9]),
        ("Our chat a couple of days ago was nice, what was it about?", [11, 12]),
        ("what did we talk about a few days ago", [10, 11]),
        ("What did you suggest the other day?", [10, 11, 12]),
        ("What did we discuss this week?", [11, 12, 13, 14]),
        ("What did we discuss last week?", [7, 8, 9, 10]),
        ("What did we discuss a week ago?", [7, 8, 9, 10]),
        ("What did we discuss over the last week?", [10, 11, 12, 13, 14]),
        ("What did we discuss in the past two weeks?", [7, 8, 9, 10, 11, 12, 13, 14]),
        ("Summarise the last 3 days of our chats", [11, 12, 13, 14]),
        ("What did we discuss two weeks ago?", [6]),
        ("What did we discuss the week before last?", [6]),
        ("What did we talk about last month?", [4, 5, 6]),
        ("What did we talk about a month ago?", [4, 5, 6]),
        ("what did we talk about two months ago", [1, 2, 3]),
        ("What have we talked about this month?", [7, 8, 9, 10, 11, 12, 13, 14]),
        ("What have we talked about this year?", list(range(1, 15))),
        ("Our chats over the past month, please sum them up", [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        ("what were we talking about 9 hours ago?", [13]),
        # months, seasons, quarters
        ("What did we discuss in March?", [1, 2, 3]),
        ("Sum up april for me", [4, 5, 6]),
        ("What did we talk about in March or April?", [1, 2, 3, 4, 5, 6]),
        ("In early April, what did we say?", [4]),
        ("What did we chat about in mid-April?", [5]),
        ("What did we discuss at the end of April?", [6]),
        ("What did we discuss in late March?", [3]),
        ("What did we talk about in the beginning of March?", [1]),
        ("What did we talk about in the first week of May?", [7, 8, 9]),
        ("What did we talk about in the second half of April?", [5, 6]),
        ("What did we say in the last week of April?", [6]),
        ("What did we say last March?", [1, 2, 3]),
        ("What did we discuss in spring?", list(range(1, 15))),
        ("What did we discuss in Q1?", [1, 2, 3]),
        ("What did we discuss in the second quarter of 2026?", list(range(4, 15))),
        ("what did we talk about in Febuary, sorry, in Mar?", [1, 2, 3]),
        # spans
        ("What did we talk about between April 1 and April 20?", [4, 5]),
        ("What did we talk about from March 10 to April 10?", [2, 3, 4]),
        ("What did we discuss March 3 through March 17?", [1, 2]),
        ("What did we discuss from the 5th to the 9th of May?", [7, 8, 9, 10]),
        ("What did we discuss May 5-9?", [7, 8, 9, 10]),
        ("What did we discuss from March to April?", [1, 2, 3, 4, 5, 6]),
        ("What did we talk about from Tuesday to Saturday last week?", [7, 8, 9, 10]),
        ("Everything we have said since May 9th, please", [10, 11, 12, 13, 14]),
        ("What have we talked about since last Wednesday?", [11, 12, 13, 14]),
        ("What had we discussed before April?", [1, 2, 3]),
        ("What did we discuss until the end of March?", [1, 2, 3]),
        ("What did we say up to April 8th?", [1, 2, 3, 4]),
        ("What did we talk about after May 9?", [10, 11, 12, 13, 14]),
        ("What did we talk about around April 17?", [5]),
        ("What did we chat about around a month ago?", [4, 5, 6]),
        # sessions
        ("What did we discuss in our first session?", [1]),
        ("What did we discuss in session 4?", [4]),
        ("Recap sessions 4 to 6", [4, 5, 6]),
        ("Recap sessions 4, 6 and 8", [4, 6, 8]),
        ("sessions 24 through 26: what did we say?", []),
        ("Recap the fourth through sixth sessions", [4, 5, 6]),
        ("What was our twelfth conversation about?", [12]),
        ("What did we talk about last time?", [14]),
        ("What did we talk about in our last session?", [14]),
        ("What did we say in the session before last?", [13]),
        ("What did we say 3 sessions ago?", [12]),
        ("What did we say three chats ago?", [12]),
        ("What happened in our last three conversations?", [12, 13, 14]),
        ("Sum up the first two talks we had", [1, 2]),
        ("What was the last session in March about?", [3]),
        ("What did the first conversation in April deal with?", [4]),
        ("What was the session before the one on April 18 about?", [4]),
        ("What did we talk about in the conversation after that of April 18?", [6]),
        ("What did we discuss in the session following session 3?", [4]),
        ("When we last spoke, what did you say?", [14]),
        ("What was our second-to-last conversation about?", [13]),
        ("What have we discussed since our tenth session?", [10, 11, 12, 13, 14]),
        ("What did we discuss before session 3?", [1, 2]),
        ("What did we talk about in the second session this month?", [8]),
        ("Our latest two chats: what were they about?", [13, 14]),
        # times of day
        ("What did we talk about on Tuesday at 10?", [8]),
        ("What did we talk about on May 5 at 7:30 pm?", [9]),
        ("What did we discuss on May 5th before noon?", [7, 8]),
        ("What did we talk about on Saturday night?", [10]),
        ("At 10 on May 5, what did we say?", [8]),
        ("what did you tell me at ten on Tuesday?", [8]),
        ("What did we say on Tuesday around 10?", [7, 8]),
        ("around half past seven on May 5 what did I ask?", [9]),
        ("What did we discuss around 8 pm on May 5?", [9]),
        ("Yesterday around 9, what did we say?", [12]),
        ("What did we talk about early on May 5?", [7, 8]),
        ("What did you say late on Tuesday?", [9]),
        # spans that begin or end within a day
        ("What have we said since Saturday night?", [10, 11, 12, 13, 14]),
        ("What have we said since 10 am on May 5?", [8, 9, 10, 11, 12, 13, 14]),
        ("What have we talked about since yesterday evening?", [12, 13, 14]),
        ("What had we said before the evening of May 5?", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("What did we discuss until yesterday noon?", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("What did we discuss after Saturday night?", [11, 12, 13, 14]),
        ("What did we discuss from Tuesday evening to Wednesday morning?", [11]),
        ("What did we discuss between Tuesday evening and Saturday night?", [9, 10]),
        ("What did we say from 2pm on May 5 to 10am on May 13?", [9, 10, 11]),
        ("What did we say from 7 pm to 9 pm on May 5?", [9]),
        ("What did we say between 11pm and 2am on May 9?", [10]),
        # frames other than talk
        ("What happened on Tuesday?", [7, 8, 9]),
        ("And on Tuesday?", [7, 8, 9]),
        ("What about last month?", [4, 5, 6]),
        ("Recap yesterday.", [12]),
        ("Anything on April 8?", [4]),
        # as people write
        ("hey, do you recall what we were yapping about on april 8?", [4]),
        ("can u remind me wat we talked abt last tuesday", [7, 8, 9]),
        ("I'm curious about our conversation dated 27 April.", [6]),
        ("What were the main takeaways from our talk on Wednesday, May 13?", [11]),
        ("what all did we discuss the week of april 6th", [4]),
        ("Fill me in on yesterday's conversation.", [12]),
        ("List what was discussed in each of our last two sessions.", [13, 14]),
        ("Tell me everything we've talked about since the start of May.", [7, 8, 9, 10, 11, 12, 13, 14]),
        ("What did our conversation five sessions ago revolve around?", [10]),
        ("During our eleventh get-together, what came up?", [11]),
        ("In our initial conversation, what did we talk about?", [1]),
        ("Please provide an overview of our chats from mid-April until now.", [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        ("What did we talk about two sessions before the last one?", [12]),
        ("what topics did we discuss on the weekend of April 18", [5]),
        ("In March of this year, what did we talk about?", [1, 2, 3]),
        ("What did we discuss late last month?", [6]),
        ("What did we discuss earlier this month?", [7, 8, 9, 10, 11, 12, 13]),
        ("Do you remember our third ever conversation? What was it about?", [3]),
        ("What did you and I talk about the morning of May 13th?", [11]),
        ("What did we discuss in the session right before our current one?", [13]),
        ("What was on the agenda for our May 13 talk?", [11]),
        ("Talk me through last week's conversations.", [7, 8, 9, 10]),
        ("Between last Tuesday and yesterday, what did we discuss?", [7, 8, 9, 10, 11, 12]),
        ("What did we discuss in week one of May?", [7, 8, 9]),
        ("What were my questions to you on Wednesday?", [11]),
        ("What advice did you give me on April 8th?", [4]),
        ("Describe session 6.", [6]),
        ("What did we talk about during the 1st quarter?", [1, 2, 3]),
        ("What did we discuss in the first half of March?", [1]),
        ("What had we talked about in the past month, roughly?", [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        # as people say it, more freely
        ("Did I mention anything about taxes yesterday?", [12]),
        ("yday what did we say", [12]),
        ("Remember that soup thing from yesterday evening?", [12]),
        ("what did we say on May 5 before noon?", [7, 8]),
        ("after 7pm on 5 May what did I ask?", [9]),
        ("between 8am and noon on May 5 what did we discuss?", [7, 8]),
        ("On the fifth, in the evening, what did you recommend?", [9]),
        ("What did we talk about over lunch on May 5?", [8]),
        ("What was the last thing you told me?", [14]),
        ("What was the first thing you told me on May 5?", [7]),
        ("tuesday a week ago: topics?", [7, 8, 9]),
        ("what did we chat about ten days ago today", [7, 8, 9]),
        ("last weekend's suggestions please", [10]),
        ("the weekend before last?", []),
        ("Anything about lunch last week?", [7, 8, 9, 10]),
        ("What did you recommend about boots on Tuesday?", [7, 8, 9]),
        ("What did we say in the past hour?", [14]),
        ("What did we discuss in the last hour?", [14]),
        ("What did we say the evening before last?", [11]),
        ("What do we discuss on Tuesday evenings?", [9]),
        ("What did we discuss on weekday evenings?", [9, 12, 14]),
        ("What did I ask first?", [1]),
        ("What was my first question?", [1]),
        ("What was your last answer?", [14]),
        ("What did we discuss before this session?", list(range(1, 14))),
        ("What did we talk about 2 sessions after the first?", [3]),
        ("What was our 2nd last chat about?", [13]),
        ("What was the second last conversation about?", [13]),
        ("What did we say more than a week ago?", list(range(1, 10))),
        ("What did we say less than a week ago?", [10, 11, 12, 13, 14]),
        ("What did we say on 31 March, I mean, 29 March?", [3]),
        ("What did we discuss after April 10 but before May 1?", [5, 6]),
        ("How many sessions did we have on Tuesday?", [7, 8, 9]),
        ("Did I tell you about the fence on Tuesday?", [7, 8, 9]),
        ("What was the last question I asked?", [14]),
        ("What did we discuss last week except on Tuesday?", [10]),
        ("What did we discuss this month apart from last week?", [11, 12, 13, 14]),
        ("What did we discuss on May 5 except in the evening?", [7, 8]),
        ("What did we say last week apart from the first session?", [8, 9, 10]),
        ("What did you suggest for dinner yesterday?", [12]),
        ("What were the suggestions you made last week?", [7, 8, 9, 10]),
    ],
)
def test_time_words_mean_the_sessions_that_people_mean(question: str, sessions: list[int]) -> None:
    assert meant(question) == sessions


@pytest.mark.parametrize(
    "question",
    [
        "How many days before the war did they leave?",
        "May I ask you something?",
        "Can you give me a second opinion on that?",
        "Show me the last three items.",
        "When did Caroline go to the museum?",
        "Who won the cup in 2022?",
        "Where did Ann move from four years ago?",
        "What did Ann paint in July?",
        "What are Tom's plans for next month?",
        "What is the June deadline?",
        "Will you march with us?",
        "Can we talk tomorrow?",
        "What was the first book he read?",
        "How long has she been playing the piano?",
        "What is the second law of thermodynamics?",
        "Which team won on Saturday?",
        "What did they eat for lunch on Friday?",
        "Is the shop open on Sundays?",
        "Where did you say I should go in May?",
        "What did you say I would get on Tuesday?",
        "How many days are there in May?",
        "What do you recommend for dinner on Friday?",
        "What would you suggest for a trip in May?",
        "What are your tips for camping in May?",
        "Did the doctor recommend anything for Tom last week?",
        "What will the weather be on Monday?",
        "How many sessions does the course have?",
        "What did the doctor prescribe last week?",
        "What does Ann say running has been great for?",
        "What was the first thing he bought?",
        "Who was born on 5 May 1818?",
        "What did Kim do the week before her exam?",
        "Did Ann see the sun last summer?",
        "What was discussed in the counselling workshop last year?",
        "Tell me about the war in 1945.",
        "What did you say about the war of 1945?",
        "",
        "?",
    ],
)
def test_time_words_of_the_world_open_no_window(question: str) -> None:
    assert meant(question) is None


@pytest.mark.parametrize(
    "question", ["What did you just say?", "Just now, what was that?", "What were we just discussing?"]
)
@pytest.mark.parametrize("current", [None, 14])
def test_just_now_is_the_session_that_goes_on_also_where_it_is_not_counted(question: str, current: int | None) -> None:
    assert meant(question, current_session=current) == [14]


@pytest.mark.parametrize(
    ("year", "day"), [(1913, (3, 23)), (1961, (4, 2)), (2000, (4, 23)), (2024, (3, 31)), (2038, (4, 25))]
)
def test_easter_is_where_the_almanac_has_it(year: int, day: tuple[int, int]) -> None:
    window = read(f"What did we say on Easter Sunday {year}?", now=datetime(2040, 1, 1, tzinfo=UTC)).window
    assert window is not None
    assert window.parts[0].start == datetime(year, *day)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("in week 53 of 2020", (2020, 12, 28), (2021, 1, 4)),
        ("in 2026-W01", (2025, 12, 29), (2026, 1, 5)),
        ("in KW 19", (2026, 5, 4), (2026, 5, 11)),
        ("at Christmas", (2025, 12, 24), (2025, 12, 27)),
    ],
)
def test_weeks_by_number_and_feasts_have_their_days(words: str, start: tuple[int, ...], end: tuple[int, ...]) -> None:
    window = read(f"What did we talk about {words}?", now=NOW).window
    assert window is not None
    assert (window.parts[0].start, window.parts[0].end) == (datetime(*start), datetime(*end))


@pytest.mark.parametrize(
    ("words", "day"),
    [("on 31 April", (4, 30)), ("on Black Friday", (11, 28)), ("on Cyber Monday", (12, 1)), ("on 30 Feb", (2, 28))],
)
def test_days_that_are_worked_out_are_told(words: str, day: tuple[int, int]) -> None:
    window = read(f"What did we talk about {words}?", now=NOW).window
    assert window is not None
    assert (window.parts[0].start.month, window.parts[0].start.day) == day


@pytest.mark.parametrize(
    ("words", "sessions"),
    [
        ("before we talked about boats", [4]),
        ("right after we talked about boats", [6]),
        ("in the session before the boats one", [4]),
        ("in the chat after the boats chat", [6]),
    ],
)
def test_what_lies_beside_a_topic_is_the_next_session(words: str, sessions: list[int]) -> None:
    topics: list[str] = []
    assert meant(f"What did we discuss {words}?", find=lambda t: topics.append(t) or SESSIONS[4].start) == sessions
    assert set(topics) == {"boats"}


@pytest.mark.parametrize("words", ["in week 54", "in week 53 of 2025"])
def test_a_week_that_never_was_opens_no_window(words: str) -> None:
    assert read(f"What did we talk about {words}?", now=NOW, sessions=SESSIONS).window is None


@pytest.mark.parametrize(
    ("words", "sessions", "note"),
    [
        ("the day before we talked about boats", [], "nothing on Friday, 17 April 2026; nearest"),
        ("the day after we talked about boats", [], "nothing on Sunday, 19 April 2026; nearest"),
    ],
)
def test_the_day_before_something_was_said_is_never_the_day_itself(words: str, sessions: list[int], note: str) -> None:
    found = {"find": lambda topic: SESSIONS[4].start}
    assert meant(f"What did we discuss {words}?", **found) == sessions
    window = read(f"What did we discuss {words}?", now=NOW, sessions=SESSIONS, find=found["find"]).window
    assert window is not None
    assert window.notes[0].startswith(note)


def test_just_now_asks_for_the_words_of_the_one_who_is_named() -> None:
    assert [read(f"What did {who} just say?", now=NOW, sessions=SESSIONS).role for who in ("you", "I")] == [
        "assistant",
        "user",
    ]
