"""The shortlist of many sources: what is on it, in what order, and what is embedded for it."""

import asyncio
import re
import sqlite3
import threading
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field

from rag.card import SourceCard
from rag.errors import ModelError
from rag.run.cardset import CardVectors, card_vectors
from rag.run.shortlist import ABOVE, MOST, Shortlist, clauses
from rag.testing import FakeEmbedder

ANIMALS = re.findall(
    r"\w+", "cat dog horse cow pig goat hen duck goose fox wolf bear lynx otter seal whale crab squid wasp moth"
)
DEEDS = ("Feeding", "Care", "History")


class Recording(FakeEmbedder):
    """An embedder that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.name = f"recording-{uuid4()}"  # so that no other test's vectors are known to it
        self.texts: list[str] = []
        self.threads: set[int] = set()

    def embed(self, texts):
        self.texts += texts
        self.threads.add(threading.get_ident())
        return super().embed(texts)


def _card(name: str, about: str = "", **more) -> SourceCard:
    return SourceCard(name=name, about=about, **more)


def _zoo() -> list[SourceCard]:
    return [_card(f"{animal}{deed}", f"{deed} of the {animal}") for animal in ANIMALS for deed in DEEDS]


WEATHER = _card("getWeather", "sun, rain and wind at a place")
FLIGHTS = _card("bookFlight", "reserves a seat in a plane")


@pytest.fixture
def embedder() -> Recording:
    return Recording()


@pytest.fixture
def listed(embedder):
    def of(question: str, cards, **options) -> list[str]:
        one = Shortlist(**{"embedder": embedder, **options})
        fit = asyncio.run(one.fit(question, cards))
        return [card.name for card in one.shortlisted(question, cards, fit)]

    return of


def test_few_sources_are_all_shown_and_none_is_embedded(listed, embedder):
    cards = _zoo()[:ABOVE]
    assert listed("What does the cat eat?", cards) == [card.name for card in cards]
    assert embedder.texts == []


def test_of_many_sources_those_that_fit_are_shown_in_card_order(listed):
    cards = [*_zoo(), WEATHER]
    found = listed("What wind does the otter like?", cards)
    assert len(found) == MOST
    assert {"getWeather", "otterFeeding", "otterCare", "otterHistory"} <= set(found)
    assert found == [card.name for card in cards if card.name in found]


@pytest.mark.parametrize("order", ["{0} and {1}", "{1}. Then {0}"])
def test_both_halves_of_a_question_have_their_sources(listed, order):
    question = order.format("Tell how the fox and the wolf were cared for in history", "reserve a seat to Oslo")
    assert "bookFlight" in listed(question, [*_zoo(), FLIGHTS], most=8)


@pytest.mark.parametrize(
    ("name", "said"),
    [("The Ledger | Sports", "the Ledger"), ("hr_policies", "our HR policy"), ("CBSNews.com", "CBS News")],
)
def test_a_name_that_is_said_is_shown_however_ill_the_card_fits(listed, name, said):
    question = f"What does {said} say of the care of the cat, the history of the cat and the feeding of the cat?"
    assert name in listed(question, [*_zoo(), _card(name, "nothing of the kind")], most=2)
    assert name not in listed(question.replace(said, "he"), [*_zoo(), _card(name, "nothing of the kind")], most=2)


def test_sources_that_tell_their_content_stay_and_take_no_place(embedder):
    one, cards = Shortlist(2, 5, embedder=embedder), _zoo()
    fit = asyncio.run(one.fit("Care of the cat", cards))
    shown = one.shortlisted("Care of the cat", cards, fit, keep={"mothCare", "waspCare"})
    assert [card.name for card in shown] == ["catFeeding", "catCare", "waspCare", "mothCare"]


def test_arguments_and_their_values_are_searched(listed):
    class Paint(BaseModel):
        shade: str = Field(description="vermilion or teal", json_schema_extra={"enum": ["matt", "eggshell"]})

    cards = [*_zoo(), _card("doWork", arguments=Paint)]
    for question in ("Which shade suits?", "Is there vermilion?", "I would like eggshell"):
        assert "doWork" in listed(question, cards, most=1)


def test_words_meet_in_any_form(listed):
    assert listed("flights booked", [*_zoo(), FLIGHTS], most=1, weights=(1.0, 0.0)) == ["bookFlight"]


def test_meaning_finds_what_words_do_not(listed, embedder):
    cards = [*_zoo(), _card("x1", "wind")]
    embedder.embed, plain = lambda texts: plain([text.replace("gusts", "wind") for text in texts]), embedder.embed
    assert listed("gusts", cards, most=1) == ["x1"]


def test_scores_are_shares_of_what_the_best_source_holds(embedder):
    one = Shortlist(embedder=embedder)
    good = asyncio.run(one.fit("History of the moth", _zoo()))
    poor = asyncio.run(one.fit("History of the quasar in the early universe of galaxies", _zoo()))
    assert max(good, key=good.get) == "mothHistory"
    assert 0 <= min(good.values()) < max(good.values()) <= 1
    assert max(poor.values()) < max(good.values())


@pytest.mark.parametrize("question", ["", "?!", "the of and", '"cat" AND NOT (dog*) OR NEAR(', "猫の餌"])
def test_any_question_gives_a_score_for_each_card(embedder, question):
    fit = asyncio.run(Shortlist(embedder=embedder).fit(question, _zoo()))
    assert list(fit) == [card.name for card in _zoo()]
    assert all(0 <= score <= 1 for score in fit.values())


def test_ties_stand_in_card_order(listed):
    cards = [_card(f"n{number}x", "all alike") for number in range(60)]
    assert listed("quite other", cards, most=3) == ["n0x", "n1x", "n2x"]


def test_the_same_question_gives_the_same_scores(embedder):
    one, cards = Shortlist(embedder=embedder), _zoo()
    first = asyncio.run(one.fit("Do otters and seals eat crabs?", cards))
    assert asyncio.run(one.fit("Do otters and seals eat crabs?", cards)) == first
    assert asyncio.run(Shortlist(embedder=embedder).fit("Do otters and seals eat crabs?", cards)) == first


def test_each_card_is_embedded_once_for_all_questions_at_once(embedder):
    one, cards = Shortlist(embedder=embedder), _zoo()
    other = Shortlist(embedder=embedder)

    async def many():
        asked = (each.fit(f"Care of the {animal}", cards) for animal in ANIMALS for each in (one, other))
        return await asyncio.gather(*asked)

    found = asyncio.run(many())
    assert [max(fit, key=fit.get) for fit in found[::2]] == [f"{animal}Care" for animal in ANIMALS]
    told = [text for text in embedder.texts if ":" in text]
    assert len(told) == len(set(told)) == len(cards)


def test_embedding_does_not_block_the_loop(embedder):
    async def asked():
        await Shortlist(embedder=embedder).fit("Care of the cat", _zoo())
        return threading.get_ident()

    assert asyncio.run(asked()) not in embedder.threads


def test_a_changed_card_is_embedded_anew_and_no_other(embedder):
    one, cards = Shortlist(embedder=embedder), _zoo()
    asyncio.run(one.fit("Care of the cat", cards))
    embedder.texts.clear()
    cards[7] = cards[7].model_copy(update={"about": "kites and balloons"})
    fit = asyncio.run(one.fit("kites", cards))
    assert [text for text in embedder.texts if ":" in text] == ["horse Care: kites and balloons"]
    assert max(fit, key=fit.get) == cards[7].name


def test_a_question_has_few_of_thousands_embedded_those_first_that_its_words_speak_for(embedder):
    one, cards = Shortlist(embedder=embedder), [*(_card(f"n{number}x") for number in range(600)), WEATHER]
    asyncio.run(one.fit("rain", cards))
    assert embedder.texts[0].startswith("get Weather")
    assert len([text for text in embedder.texts if ":" in text]) == 256
    for question in ("sun", "wind"):
        asyncio.run(one.fit(question, cards))
    assert len([text for text in embedder.texts if ":" in text]) == len(cards)


def test_prepared_cards_cost_no_question_anything(embedder):
    one, cards = Shortlist(embedder=embedder), [_card(f"n{number}x") for number in range(600)]
    asyncio.run(one.prepare(cards))
    assert len(embedder.texts) == 600
    asyncio.run(one.fit("rain", cards))
    assert embedder.texts[600:] == ["rain"]


def test_vectors_are_kept_for_the_next_process(tmp_path, embedder):
    asyncio.run(Shortlist(embedder=embedder, folder=tmp_path).prepare(_zoo()))
    card_vectors.cache_clear()  # as a new process has it
    after = Recording()
    after.name = embedder.name
    asyncio.run(Shortlist(embedder=after, folder=tmp_path).prepare(_zoo()))
    assert (len(embedder.texts), after.texts) == (len(_zoo()), [])


def test_vectors_of_another_embedder_are_not_used(tmp_path, embedder):
    other = Recording()
    for each in (embedder, other):
        asyncio.run(Shortlist(embedder=each, folder=tmp_path).prepare(_zoo()))
    assert len(other.texts) == len(_zoo())


@pytest.mark.parametrize("spoil", ["damage", "replace", "schema"])
def test_a_folder_that_cannot_be_used_costs_a_warning(tmp_path, embedder, caplog, spoil):
    file: Path = tmp_path / "cards.sqlite"
    if spoil == "damage":
        file.write_bytes(b"no database at all" * 100)
    elif spoil == "replace":
        file.mkdir()
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE vectors (other)")
    vectors = CardVectors(tmp_path)
    assert set(vectors.learnt(["a", "b"], embedder)) == {"a", "b"}
    assert set(vectors.known(["a", "b"], embedder)) == {"a", "b"}
    assert "kept in memory" in caplog.text


def test_words_decide_where_nothing_can_be_embedded(listed, embedder, caplog):
    def fail(texts):
        raise ModelError("the weights are gone")

    embedder.embed = fail
    assert listed("otter care", _zoo(), most=1) == ["otterCare"]
    assert "the weights are gone" in caplog.text


def test_a_long_question_has_few_clauses_of_its_start_and_its_end():
    found = clauses("First find a cat. " + "Blue stones lie there. " * 500 + "Last sell a dog.")
    assert len(found) == 12
    assert (found[0], found[-1]) == ("First find a cat.", "Last sell a dog.")
