"""Which sources give what others need."""

from pydantic import create_model

from rag.card import SourceCard
from rag.plan import givers as module
from rag.plan.givers import Givers, givers_among, needs, row_fields
from rag.sources.tools import tools


def card(name, takes=(), gives=None, **told):
    properties = {arg: {"type": "string", "description": told.get(arg, "")} for arg in takes}
    spec = {"name": name, "parameters": {"properties": properties, "required": list(takes)}}
    output = {"outputSchema": {"properties": gives}} if gives else {}
    return tools([spec | output], print)[0].card


def test_a_query_is_no_need():
    assert needs(card("search", ["query", "hotel_id"])) == {"hotel_id"}


def test_a_field_with_the_words_of_an_argument_gives_it():
    places = card("places", ["query"], {"geo": {"type": "object", "properties": {"lat": {}, "skyId": {}}}})
    flights = card("flights", ["originSkyId", "lat", "day"])
    givers = Givers([places, flights])
    assert [givers.of(flights, name) for name in ("originSkyId", "lat", "day")] == [("places",), ("places",), ()]


def test_a_source_s_name_makes_up_for_what_a_field_lacks():
    artists, songs = card("get_artists", ["query"], {"id": {}}), card("get_songs", ["query"], {"id": {}})
    albums = card("albums", ["artist_id"])
    assert Givers([artists, songs, albums]).of(albums, "artist_id") == ("get_artists",)


def test_a_source_that_needs_the_same_gives_nothing():
    prices, rooms = (card(name, ["hotel_id"], {"hotel_id": {}}) for name in ("prices", "rooms"))
    assert Givers([prices, rooms]).of(rooms, "hotel_id") == ()


def test_what_is_told_of_an_argument_names_its_source():
    hotels = card("Search_Hotels", ["query"], {"results": {}})
    others = card("Others", ["query"], {"hotel_id": {}})
    rooms = card("Rooms", ["hotel_id"], hotel_id="as found by `api/v1/searchHotels`")
    assert Givers([others, hotels, rooms]).of(rooms, "hotel_id") == ("Search_Hotels",)


def test_when_something_is_to_be_comes_from_no_row():
    bookings, rooms = card("bookings", ["query"], {"arrival_date": {}}), card("rooms", ["arrival_date"])
    assert Givers([bookings, rooms]).of(rooms, "arrival_date") == ()


def test_those_are_added_that_the_kept_need_and_what_they_need_in_turn():
    find = card("find_hotels", ["query"], {"hotel_id": {}})
    rooms = card("find_rooms", ["hotel_id"], {"room_id": {}})
    book = card("book", ["room_id"])
    other = card("other", ["query"], {"room_id": {}})
    cards = [other, find, rooms, book]
    fit = {"find_rooms": 0.5, "other": 0.1}
    assert [each.name for each in Givers(cards).added([book], fit, most=5)] == ["find_rooms", "find_hotels"]
    assert [each.name for each in Givers(cards).added([book], fit, most=1)] == ["find_rooms"]
    assert Givers(cards).added([book, rooms, find], fit, most=5) == ()


def test_rows_that_hold_themselves_are_looked_into_only_so_far():
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    ring = SourceCard(name="ring", output={"$defs": {"Node": node}, "properties": {"first": {"$ref": "#/$defs/Node"}}})
    assert max(len(path) for path in row_fields(ring)) == 4


def test_fields_of_the_items_of_lists_are_found():
    schema = {"properties": {"rooms": {"type": "array", "items": {"properties": {"price": {}}}}}}
    assert list(row_fields(SourceCard(name="r", output=schema, arguments=create_model("A")))) == [
        ("rooms",),
        ("rooms", "price"),
    ]


def test_the_work_grows_with_the_number_of_sources_and_not_faster(monkeypatch):
    read = []
    words = module._words
    monkeypatch.setattr(module, "_words", lambda name: read.append(name) or words(name))
    cards = tuple(card(f"tool_{n}", ["user_id"], {"user_id": {}}) for n in range(30))
    among = givers_among(cards)
    assert [among.of(each, "user_id") for each in cards] == [()] * 30
    assert givers_among(cards) is among
    assert len(read) <= 6 * len(cards)
