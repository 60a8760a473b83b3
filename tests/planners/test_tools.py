"""Planning over tools, where one gives what another needs: what rules must leave to the model."""

import json
from datetime import UTC, date, datetime

import pytest

import rag
from planners.draft import drafted
from planners.fill import fill
from planners.offer import offered_lines, offered_schema
from planners.reaper import MOST_OFFERED, Reaper
from rag.plan import Plan
from rag.protocols import Complete, Completion, Relevance, Task
from rag.sources.tools import tools

TEXT = {"type": "string"}


def spec(name, about="", needs=(), may=(), gives=()):
    properties = {argument: TEXT for argument in (*needs, *may)}
    return {
        "name": name,
        "description": about,
        "parameters": {"properties": properties, "required": list(needs)},
        "outputSchema": {"properties": dict(gives)},
    }


PLACE = {"id": TEXT, "at": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}}}
TRAVEL = [
    spec("Search_Place", "places by their name", ["query"], gives=PLACE),
    spec("Find_Cars", "cars to rent", ["lat", "lon", "day"], gives={"search_key": TEXT}),
    spec("Booking_Summary", "the price of a booking", ["search_key"], gives={"price": {"type": "number"}}),
    spec("Send_Message", "a message to somebody", ["to", "message"]),
    spec("Random_Joke", "a joke", may=["category"], gives={"joke": TEXT}),
]
QUESTION = "I want a car in Ghent on Monday. Give me the booking summary, send it to Ann, and tell me a joke."
WRITTEN = {
    "steps": [
        {"id": "s1", "source": "Search_Place", "args": {"query": "Ghent"}},
        {"id": "s2", "source": "Find_Cars", "args": {"lat": "$s1.at.lat", "lon": "$s1.at.lon", "day": "2026-11-23"}},
        {"id": "s3", "source": "Booking_Summary", "args": {"search_key": "$s2.search_key"}},
        {"id": "s4", "source": "Send_Message", "args": {"to": "Ann", "message": "It costs $s3.price"}},
        {"id": "s5", "source": "Random_Joke", "args": {}},
    ]
}


def cards(specs=TRAVEL):
    return tuple(tool.card for tool in tools(specs, print))


def routed(specs=TRAVEL, fit=None, question=QUESTION):
    """What the planner asks the model, and the plan that it makes of what the model writes."""
    task = Task(question, cards(specs), datetime(2026, 11, 20, tzinfo=UTC), model=True, fit=fit or {})
    steps, seen, asked = Reaper().route(task), None, None
    try:
        while True:
            actions = steps.send(seen)
            asked = next((action for action in actions if isinstance(action, Complete)), asked)
            seen = tuple(
                Completion(json.dumps(WRITTEN)) if isinstance(action, Complete) else Relevance({}) for action in actions
            )
    except StopIteration as stop:
        return asked, stop.value


def test_a_plan_over_tools_is_run_as_the_model_wrote_it():
    _, plan = routed()
    assert plan.steps == Plan.from_json(WRITTEN).steps
    assert not plan.notes


def test_a_tool_that_is_named_is_not_the_only_one_offered():
    asked, _ = routed()
    assert [line.split("(")[0] for line in asked.values["sources"].splitlines()] == [tool["name"] for tool in TRAVEL]


def test_of_many_the_fittest_are_offered_and_those_that_give_what_they_need():
    others = [spec(f"Get_Quote_{letter}", "a quote of the day", ["query"]) for letter in "ABCDEFGHIJKLMNOPQRST"]
    fit = {tool["name"]: 0.5 for tool in others} | {"Booking_Summary": 0.9}
    asked, _ = routed([*TRAVEL, *others], fit, "What is the price of the booking?")
    offered = {line.split("(")[0] for line in asked.values["sources"].splitlines()}
    assert {"Booking_Summary", "Find_Cars", "Search_Place"} <= offered
    assert len(offered) == MOST_OFFERED + 2


def test_without_a_fit_those_are_offered_whose_names_have_the_question_s_words():
    others = [spec(f"Get{letter}Quote", "a car, a place, a booking", ["day"]) for letter in "ABCDEFGHIJKLMNOPQRST"]
    asked, _ = routed([*others, *TRAVEL], question="A joke and a message on Monday")
    assert "Send_Message(" in asked.values["sources"]


def test_the_lines_tell_what_is_returned_and_who_gives_what():
    place, cars, *_ = offered_lines(cards(), {}).splitlines()
    assert place == "Search_Place(query: string) returns id, at.lat, at.lon: places by their name"
    assert cars.endswith("cars to rent; lat, lon from Search_Place")


def test_tools_may_be_asked_in_longer_plans_than_other_sources():
    longest = [offered_schema(cards(specs), {})["properties"]["steps"]["maxItems"] for specs in (TRAVEL, TRAVEL[:1])]
    assert longest == [16, 8]


@pytest.mark.parametrize("value", ["Ghent", None])
def test_the_draft_holds_no_guess_at_what_a_tool_gives(value):
    args = {"lat": value, "lon": value, "day": "Monday"}
    prior = Plan.from_json({"steps": [{"id": "s1", "source": "Find_Cars", "args": args}]}).noted("Find_Cars: chosen")
    assert drafted(prior, {}, cards()).startswith("nothing:")


def test_the_draft_holds_no_search_for_a_whole_part_of_the_question():
    args = {"query": "I want a car in Ghent on Monday"}
    prior = Plan.from_json({"steps": [{"id": "s1", "source": "Search_Place", "args": args}]})
    assert drafted(prior.noted("Search_Place: chosen because it fits best"), {}, cards()).startswith("nothing:")


def test_the_draft_keeps_what_rules_know():
    steps = [{"id": "s1", "source": "Random_Joke", "args": {}}, {**WRITTEN["steps"][2], "id": "s2"}]
    prior = Plan.from_json({"steps": [*steps, {**WRITTEN["steps"][1], "id": "s3", "args": {}}]})
    assert json.loads(drafted(prior, {}, cards())) == {"steps": Plan.from_json({"steps": steps}).saved()["steps"]}


def test_what_gave_one_argument_its_value_gives_no_other_one():
    def transfer(sender: str, receiver: str, amount: int, tip: int) -> list[str]:
        """Send money."""

    (filling,) = fill(rag.source("transfer", transfer).card, "Transfer 100 to Sarah", date(2026, 1, 1))
    assert filling.args == {"sender": "Sarah", "amount": 100}
    assert filling.missing(rag.source("transfer", transfer).card) == ("receiver", "tip")


def test_the_draft_shows_no_value_that_only_its_type_speaks_for():
    def news(category: str) -> list[str]:
        """Headlines."""

    prior = Plan.from_json({"steps": [{"id": "s1", "source": "news", "args": {"category": "Sarah"}}]})
    assert drafted(prior, {}, (rag.source("news", news).card,)).startswith("nothing:")
