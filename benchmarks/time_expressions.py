"""Time words of three public corpora, those that speak of the past: are they found, and is their value right?

    python -m benchmarks.time_expressions

`recognizers_text_datetime_en`, `duckling_time_en` and `ctparse`, which were written for bookings and assistants: only
entries that have a reading that is over at the reference time count, and only dates and spans of days or longer, since
a memory's windows do not set alarms. "span" is the share whose words are found (prepositions and articles aside),
"value" the share of all whose first and last day are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.common import data_dir, jsonl, report
from rag.memory.when import Expressed, expressions

DAY = timedelta(days=1)
Days = tuple[date, date]
"""The first day and the last."""

_MINOR = re.compile(r"^(?:(?:in|on|at|the|during|for|over|from|of|,)\s+)+|[\s.,]+$")


@dataclass(frozen=True)
class Case:
    """A text, its reference time, the words that are meant, and the days they may mean."""

    corpus: str
    text: str
    reference: datetime
    words: str
    days: frozenset[Days]


def _past(days: set[Days], reference: datetime) -> frozenset[Days]:
    return frozenset(pair for pair in days if pair[1] <= reference.date() and pair[0] < reference.date())


def recognizers() -> Iterator[Case]:
    for line in jsonl(data_dir("recognizers_text_datetime_en") / "datetimemodel.jsonl.gz"):
        if line["reference"] is None:
            continue
        reference = datetime.fromisoformat(line["reference"])
        for result in line["results"]:
            days = {pair for value in result["values"] if (pair := _resolved(value)) is not None}
            if ((past := _past(days, reference)) and len(past) == len(days)) or (past and _both_ways(days, reference)):
                yield Case("recognizers", line["text"], reference, result["text"], past)


def _both_ways(days: set[Days], reference: datetime) -> bool:
    return any(first > reference.date() for first, _ in days)


def _resolved(value: dict[str, Any]) -> Days | None:
    if value["type"] == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", value.get("value", "")):
        day = date.fromisoformat(value["value"])
        return day, day
    if value["type"] == "daterange" and "start" in value and "end" in value:
        return date.fromisoformat(value["start"]), date.fromisoformat(value["end"]) - DAY
    return None


def duckling() -> Iterator[Case]:
    grains = {"day": 1, "week": 7}
    for line in jsonl(data_dir("duckling_time_en") / "duckling_en.jsonl.gz"):
        reference = datetime.fromisoformat(line["reference"][:19])
        if line["kind"] == "instant" and line["grain"] in (*grains, "month", "quarter", "year"):
            first = date.fromisoformat(line["value"][:10])
            last = (
                _last(first, line["grain"])
                if line["grain"] not in grains
                else first + (grains[line["grain"]] - 1) * DAY
            )
        elif line["kind"] == "interval" and line["start"][11:16] == line["end"][11:16] == "00:00":
            first, last = date.fromisoformat(line["start"][:10]), date.fromisoformat(line["end"][:10]) - DAY
        else:
            continue
        if days := _past({(first, last)}, reference):
            yield Case("duckling", line["text"], reference, line["text"], days)


def _last(first: date, grain: str) -> date:
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1) - DAY


def ctparse() -> Iterator[Case]:
    for line in jsonl(data_dir("ctparse") / "english.jsonl.gz"):
        reference = datetime.fromisoformat(line["ref_time"])
        dates = [date.fromisoformat(found) for found in re.findall(r"\d{4}-\d\d-\d\d", line["gold_parse"])]
        if dates and (days := _past({(dates[0], dates[-1])}, reference)):
            yield Case("ctparse", line["text"], reference, line["text"], days)


def _agrees(found: Expressed, wanted: frozenset[Days]) -> bool:
    parts = found.window.parts
    spans = [(part.start, part.end) for part in parts] + [(min(p.start for p in parts), max(p.end for p in parts))]
    days = {(start.date(), (end - timedelta(microseconds=1)).date()) for start, end in spans}
    # The corpora write the end of "from 2 to 10 July" as 10 July and leave it out; a memory's spans have it.
    return any(pair in wanted or (pair[0] < pair[1] and (pair[0], pair[1] - DAY) in wanted) for pair in days)


def scored(cases: list[Case]) -> dict[str, Any]:
    """How many cases have their words found, and their days right, in percent."""
    spans = values = 0
    for case in cases:
        found = expressions(case.text, case.reference.replace(tzinfo=UTC))
        wanted = _MINOR.sub("", case.words.lower())
        spans += any(_MINOR.sub("", one.phrase.lower()) == wanted for one in found)
        values += any(_agrees(one, case.days) for one in found)
    count = max(len(cases), 1)
    return {"cases": len(cases), "span": round(100 * spans / count, 1), "value": round(100 * values / count, 1)}


def main() -> None:
    corpora = {"recognizers": recognizers, "duckling": duckling, "ctparse": ctparse}
    report("time_expressions", {name: scored(list(cases())) for name, cases in corpora.items()})


if __name__ == "__main__":
    main()
