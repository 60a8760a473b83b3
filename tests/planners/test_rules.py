"""`Rules`: sources by name, then by content; steps that wait for a record; every choice explained."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from planners.rules import Rules
from rag.card import SourceCard, free_query
from rag.errors import SourceError
from rag.plan import Ref, check, references
from rag.plan.check import MAX_STEPS
from rag.protocols import Execute, Executed, Failed, Probe, Read, Relevance, Task
from rag.types import Evidence


def _calls(plan):
    return [(step.source, step.args) for step in plan.steps if not step.if_empty]


def _knowing(**scores):
    return lambda _: scores


def test_small_talk_plans_nothing_and_says_why(planned, task, shop):
    plan = planned(Rules(), task("Hi there!", shop))
    assert (plan.steps, plan.notes) == ((), ("no retrieval: the question is a greeting",))


def test_proper_names_settle_the_sources_without_a_probe(task, texts):
    cards = texts("The Verge", "Verge", "Wired", "Fortune")
    (execute,) = next(Rules().plan(task("Do the Verge and 'Wired' agree on lidar?", cards)))
    assert isinstance(execute, Execute)
    assert [step.source for step in execute.plan.steps] == ["The Verge", "Wired"]
    assert execute.plan.notes == (
        "The Verge: chosen because the question names 'the Verge'",
        "Wired: chosen because the question names 'Wired'",
    )


def test_a_part_that_names_no_source_goes_to_those_named(planned, task, texts):
    plan = planned(
        Rules(), task("Did Wired praise it, and was Fortune critical? Is that fair?", texts("Wired", "Fortune"))
    )
    assert _calls(plan) == [
        ("Wired", {"query": "Did Wired praise it Is that fair"}),
        ("Fortune", {"query": "was Fortune critical? Is that fair"}),
    ]


def test_common_names_are_met_in_any_form(planned, task, texts):
    cards = texts("hr_policies", "reviews", "menu")
    plan = planned(Rules(), task("What do reviewers say about the policy?", cards))
    assert [source for source, _ in _calls(plan)] == ["hr_policies", "reviews"]


def test_plain_names_with_a_capital_are_met_as_nouns_unless_others_are_names_of_their_own(planned, task, texts):
    question = "What do the reviews say about rivals?"
    plain = planned(Rules(), task(question, texts("Reviews", "Handbook")))
    assert [source for source, _ in _calls(plain)] == ["Reviews"]
    names = planned(Rules(), task(question, texts("Rivals", "The Verge", "Reviews")), _knowing(Reviews=0.5))
    assert names.notes == (f"Reviews: chosen because it fits best '{question}' (0.50)",)


def test_content_decides_where_names_do_not(planned, task, shop):
    plan = planned(Rules(), task("How many days do I have?", shop), _knowing(policies=0.6, products=0.3, reviews=0.58))
    assert [source for source, _ in _calls(plan)] == ["policies", "reviews"]
    assert plan.notes[0] == "policies: chosen because it fits best 'How many days do I have?' (0.60)"


def test_what_a_source_is_about_counts_with_what_it_holds(planned, task):
    cards = (
        SourceCard(name="a", about="trains and buses", arguments=free_query()),
        SourceCard(name="b", about="museums", arguments=free_query()),
    )
    plan = planned(Rules(), task("When does the bus leave?", cards), _knowing(a=0.2, b=0.25))
    assert [source for source, _ in _calls(plan)] == ["a"]


def test_some_source_is_asked_even_when_nothing_tells_them_apart(planned, task, texts):
    plan = planned(Rules(), task("Why is that?", texts("a", "b")))
    assert [source for source, _ in _calls(plan)] == ["a", "b"]


def test_probes_that_fail_leave_the_card(task, texts):
    steps = Rules().plan(task("When does the bus leave?", texts("a", "b")))
    (probe,) = next(steps)
    assert isinstance(probe, Probe)
    (execute,) = steps.send((Failed(SourceError("down")),))
    assert [step.source for step in execute.plan.steps] == ["a", "b"]


def test_a_source_is_left_out_when_the_question_lacks_what_it_needs(planned, task, texts):
    class City(BaseModel):
        city: str

    cards = (SourceCard(name="weather", arguments=City), *texts("news"))
    plan = planned(Rules(), task("how is the weather", cards))
    assert _calls(plan) == [("news", {"query": "how is the weather"})]
    assert "weather: left out, since the question does not give its city" in plan.notes
    filled = planned(Rules(), task("How is the weather in Ghent?", cards))
    assert _calls(filled) == [("weather", {"city": "Ghent"})]


def test_a_source_that_is_given_all_it_needs_is_asked_where_nothing_else_tells(planned, task, texts):
    class Weather(BaseModel):
        city: str
        day: date

    cards = (SourceCard(name="weather", arguments=Weather), *texts("news"))
    plan = planned(Rules(), task("Will it rain in Ghent on Friday?", cards))
    assert _calls(plan) == [("weather", {"city": "Ghent", "day": "2026-11-27"})]
    assert plan.notes == ("weather: chosen because 'Will it rain in Ghent on Friday?' gives what it needs",)


def test_the_headphones_of_the_last_order(planned, task, shop):
    """A record first, general rules beside it, and a search that waits for the record's title."""

    def relevance(text):
        known = {"Heron Over-Ear Headphones": {"policies": 0.3, "products": 0.9, "reviews": 0.8}}
        return known.get(text, {"policies": 0.9, "products": 0.4, "reviews": 0.4})

    question = "Can I return the headphones from my last order, and what do buyers say about their battery?"
    plan = planned(Rules(), task(question, shop), relevance)
    assert str(plan).splitlines() == [
        's1  orders(table="orders", query="headphones", newest=1)',
        's2  policies(query="Can I return the headphones")',
        's3  reviews(query="battery $s1[0].product")  ← s1',
        's3_else  reviews(query="battery headphones")  if s1 finds nothing',
    ]
    assert check(plan, shop) is plan


@pytest.mark.parametrize(
    ("question", "row", "query"),
    [
        ("What are the side effects of the drug in prescription 4?", {"prescription_id": 4}, "side effects"),
        ("What are the side effects of the drug prescribed to P05?", {"patient_id": "P05"}, "side effects"),
        ("May I take the drug of P05 with milk?", {"patient_id": "P05"}, "May I take the drug with milk"),
    ],
)
def test_what_any_text_field_of_a_record_holds_is_searched_for(question, row, query, planned, task, clinic):
    plan = planned(Rules(), task(question, clinic), _knowing(leaflets=0.8))
    (_, looked_up), (source, args) = _calls(plan)
    assert looked_up.items() >= row.items()
    assert (source, str(args["query"])) == ("leaflets", f"{query} $s1[0].drug")
    assert plan.steps[-1].if_empty == "s1"
    assert check(plan, clinic) is plan


@pytest.mark.parametrize(
    "question", ["What is the status of A-102?", "What is the drug of P05?", "Who is the patient in prescription 4?"]
)
def test_a_question_for_the_field_itself_needs_its_record_alone(question, planned, task, clinic):
    plan = planned(Rules(), task(question, clinic), _knowing(leaflets=0.8))
    assert [source for source, _ in _calls(plan)] == ["clinic"]


def test_a_record_that_several_parts_need_is_looked_up_once(planned, task, shop):
    question = "Who carries O-17, and what is its tracking number, and is the product in order O-17 waterproof?"
    plan = planned(Rules(), task(question, shop), _knowing(products=0.8))
    assert _calls(plan)[0] == ("orders", {"table": "shipments", "order_id": "O-17"})
    assert [source for source, _ in _calls(plan)] == ["orders", "products"]
    assert [str(ref) for ref in references(plan.steps[1].args)] == ["$s1[0].product"]


def test_ids_of_records_go_to_arguments_of_the_same_name(planned, task, orders):
    class Product(BaseModel):
        product_id: str
        query: str

    cards = (orders, SourceCard(name="reviews", arguments=Product))
    plan = planned(Rules(), task("What do the reviews say about the lamp from my last order?", cards))
    assert _calls(plan) == [
        ("orders", {"table": "orders", "query": "lamp", "newest": 1}),
        ("reviews", {"product_id": Ref("s1", ("product_id",)), "query": "What do the reviews say about the lamp"}),
    ]


def test_a_whole_table_is_read_only_where_the_question_speaks_of_its_rows(planned, task, clinic, texts):
    alone = planned(Rules(), task("What is the weather?", clinic[2:]))
    assert alone.steps == ()
    assert alone.notes == (
        "clinic: not asked, since the question points at none of its rows",
        "no retrieval: no source fits the question",
    )
    for question in ("How many patients are there?", "List them all", "Which drug is the commonest?"):
        assert [source for source, _ in _calls(planned(Rules(), task(question, clinic[2:])))] == ["clinic"]
    assert _calls(planned(Rules(), task("What is the weather?", texts("handbook"))))


def test_the_name_of_a_database_points_at_none_of_its_tables(planned, task, clinic):
    plan = planned(Rules(), task("What are the clinic's opening hours?", clinic), _knowing(policies=0.6))
    assert [source for source, _ in _calls(plan)] == ["policies"]


def test_a_stored_name_goes_to_its_database_where_no_text_fits_well(planned, task, clinic):
    question = "What drug was Eva Frost prescribed?"
    plan = planned(Rules(), task(question, clinic), _knowing(leaflets=0.1, policies=0.2))
    assert _calls(plan) == [("clinic", {"table": "prescriptions", "name": "Eva Frost"})]
    assert "clinic: chosen because it stores 'Eva Frost'" in plan.notes
    fitting = planned(Rules(), task("Is Metformin safe?", clinic), _knowing(leaflets=0.8))
    assert [source for source, _ in _calls(fitting)] == ["leaflets"]
    other = planned(Rules(), task("What does Eva Frostwick say?", clinic), _knowing(policies=0.2))
    assert [source for source, _ in _calls(other)] == ["policies"]


def test_a_stored_name_leads_to_what_its_record_names(planned, task, clinic):
    question = "What are the side effects of the drug prescribed to Eva Frost?"
    plan = planned(Rules(), task(question, clinic), _knowing(leaflets=0.8))
    assert [source for source, _ in _calls(plan)] == ["clinic", "leaflets"]
    assert [str(ref) for ref in references(plan.steps[1].args)] == ["$s1[0].drug"]


def test_its_points_at_the_field_that_was_asked_for(planned, task, clinic):
    question = "What drug is P05 prescribed, and what are its side effects?"
    plan = planned(Rules(), task(question, clinic), _knowing(leaflets=0.8))
    assert _calls(plan)[0] == ("clinic", {"table": "prescriptions", "patient_id": "P05"})
    assert [str(ref) for ref in references(plan.steps[1].args)] == ["$s1[0].drug"]


def test_an_id_that_no_source_takes_is_told(planned, task, clinic):
    plan = planned(Rules(), task("When is appointment A-102 of P05, and what is O-17?", clinic), _knowing(policies=0.2))
    assert [note for note in plan.notes if "no source takes it" in note] == [
        "O-17 was only searched for as a word: no source takes it as an id"
    ]
    alone = planned(Rules(), task("What is the status of A-102 and Q-9?", clinic[2:]))
    assert "Q-9 was not used: no source takes it" in alone.notes
    texts_alone = planned(Rules(), task("What is B12 good for?", clinic[:2]))
    assert not any("B12 was" in note for note in texts_alone.notes)


def test_records_are_asked_only_where_the_question_points_at_rows(planned, task, shop):
    knowing = _knowing(policies=0.5, orders=0.8)
    for question in (
        "From what order amount is shipping free?",
        "Do you ship to Norway?",
        "Can I return an opened box?",
    ):
        assert [source for source, _ in _calls(planned(Rules(), task(question, shop), knowing))] == ["policies"]


def test_rules_about_a_record_are_asked_with_it(planned, task, shop):
    plan = planned(Rules(), task("How long can I still return my last order?", shop), _knowing(policies=0.8))
    assert [source for source, _ in _calls(plan)] == ["orders", "policies"]


def test_a_pronoun_carries_the_name_it_stands_for(planned, task, shop):
    plan = planned(
        Rules(),
        task("How big is the Folio 6 E-Reader, and what do reviewers say of its light?", shop),
        _knowing(products=0.8),
    )
    assert _calls(plan) == [
        ("products", {"query": "How big is the Folio 6 E-Reader"}),
        ("reviews", {"query": "light Folio 6 E-Reader"}),
    ]


def test_a_part_that_leans_on_another_of_the_same_source_joins_it(planned, task, shop):
    plan = planned(Rules(), task("Do you ship to Norway, and what would that cost?", shop), _knowing(policies=0.8))
    assert _calls(plan) == [("policies", {"query": "Do you ship to Norway, what would that cost"})]


def test_the_same_question_has_the_same_plan(planned, task, shop):
    question = "Which is better, the lamp or the kettle?"
    plans = {planned(Rules(), task(question, shop), _knowing(products=0.5, reviews=0.5)).to_json() for _ in range(3)}
    assert len(plans) == 1


def test_what_was_found_is_read(task, texts):
    steps = Rules().plan(task("What did Wired say?", texts("Wired")))
    (execute,) = next(steps)
    (read,) = steps.send((Executed(execute.plan, Evidence()),))
    assert read == Read("What did Wired say?", Evidence())


def test_a_page_of_questions_has_a_plan_of_bounded_size(planned, task, texts, shop):
    question = " ".join(f"What is {n} about, and what does it cost?" for n in range(60))
    plan = planned(Rules(), task(question, shop), _knowing(policies=0.5, products=0.5, reviews=0.5))
    check(plan, shop)
    named = planned(
        Rules(),
        task(
            "Do " + ", ".join(f"The Paper{n}" for n in range(30)) + " agree?",
            texts(*(f"The Paper{n}" for n in range(30))),
        ),
    )
    assert len(named.steps) == 16
    assert named.notes[-1] == "the last 14 steps are left out: a plan has at most 16"


@given(question=st.text(max_size=200).filter(str.strip), score=st.floats(0, 1))
def test_any_question_has_a_plan_that_fits_the_sources(question, score, texts, orders, now):
    cards = (*texts("policies", "The Verge"), orders)
    steps = Rules().plan(Task(question, cards, now))
    actions = next(steps)
    while isinstance(actions[0], Probe):
        actions = steps.send(tuple(Relevance({"policies": score}) for _ in actions))
    assert isinstance(actions[0], Execute)
    check(actions[0].plan, cards)


@pytest.mark.parametrize("question", ["what " * 4000, " " * 19_000 + "a", "and what do " * 1600, "Aa " * 6600])
def test_a_very_long_question_is_planned_without_delay(question, planned, task, shop):
    plan = planned(Rules(), task(question, shop))
    assert {step.source for step in plan.steps} == {"policies", "products", "reviews"}
    assert len(plan.steps) <= MAX_STEPS


class _Place(BaseModel):
    city: str


class _Number(BaseModel):
    number: int


def _many_functions() -> tuple[SourceCard, ...]:
    return (
        *(SourceCard(name=f"get{word}", about=f"tells {word}", arguments=_Place) for word in ("Air", "Tides", "Sun")),
        *(SourceCard(name=f"look{n}", about="things of all kinds", arguments=free_query()) for n in range(196)),
    )


def test_of_many_functions_those_that_fit_are_asked(planned, task):
    fit = {card.name: 0.1 for card in _many_functions()} | {"look7": 0.8, "look9": 0.79, "getTides": 0.75}
    plan = planned(Rules(), task("When does water rise?", _many_functions(), fit=fit))
    assert [source for source, _ in _calls(plan)] == ["look7", "look9"]


def test_of_many_functions_without_a_word_on_their_fit_few_are_asked(planned, task):
    assert len(planned(Rules(), task("When does water rise?", _many_functions())).steps) == 3


def test_a_function_that_fits_worse_does_not_stand_in_for_those_that_lack_arguments(planned, task):
    cards = (*(SourceCard(name=f"f{n}", arguments=_Number) for n in range(40)), SourceCard(name="g", about="water"))
    fit = {card.name: 0.8 for card in cards} | {"g": 0.3}
    plan = planned(Rules(), task("When does water rise?", cards, fit=fit))
    assert (plan.steps, plan.notes) == ((), ("no retrieval: no source fits the question",))


def test_many_functions_whose_arguments_a_question_gives_are_not_all_asked(planned, task):
    cards = tuple(SourceCard(name=f"f{n}", arguments=_Place) for n in range(40))
    assert len(planned(Rules(), task("Does it rain in Oslo?", cards)).steps) <= 3
