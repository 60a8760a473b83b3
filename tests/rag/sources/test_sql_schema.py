import sqlite3
from contextlib import closing

import pytest

from rag.sources.sql import sql
from rag.sources.sql.arguments import MAX_FILTERS
from rag.sources.sql.columns import Column, Sample, described, shape


def property_of(source, name):
    schema = source.card.properties[name]
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    return {**schema, **kinds[0]}


def opened(tmp_path, script, **options):
    with closing(sqlite3.connect(tmp_path / "own.db")) as db, db:
        db.executescript(script)
    return sql("own", f"sqlite:///{tmp_path / 'own.db'}", **options)


def test_each_column_becomes_an_argument_of_its_type(shop):
    assert property_of(shop, "quantity")["type"] == "integer"
    assert property_of(shop, "amount")["type"] == "number"
    assert property_of(shop, "vip")["type"] == "boolean"
    assert property_of(shop, "joined_from") | {"role": "from", "format": "date"} == property_of(shop, "joined_from")
    assert property_of(shop, "placed_at_to")["role"] == "to"
    assert property_of(shop, "table")["enum"] == ["customers", "orders", "settings", "shipments"]
    assert shop.card.argument_of_role("from") == "placed_at_from"
    assert shop.card.argument_of_role("newest") == "newest"
    assert shop.card.required == frozenset()
    assert "receipt" not in shop.card.properties
    assert "receipt" not in shop.card.output["properties"]


def test_identifiers_tell_their_shape(shop):
    assert property_of(shop, "customer_id")["pattern"] == "^C-[0-9]+$"
    assert property_of(shop, "order_id")["pattern"] == "^O-[0-9]+$"
    assert "id" not in shop.card.properties
    assert {"id", "customer_id"} <= shop.card.output["properties"].keys()


@pytest.mark.parametrize(
    ("tables", "names"),
    [
        ("CREATE TABLE visits (id INTEGER PRIMARY KEY, visit_id TEXT)", {"id", "visit_id"}),
        ("CREATE TABLE movies (id INT PRIMARY KEY); CREATE TABLE r (movie_id INT REFERENCES movies)", {"movie_id"}),
        ('CREATE TABLE "OrderLine" (id INT PRIMARY KEY)', {"order_line_id"}),
        ("CREATE TABLE companies (tenant INT, id INT, PRIMARY KEY (tenant, id))", {"tenant", "company_id"}),
        ("CREATE TABLE cats (id INT PRIMARY KEY); CREATE TABLE r (cat_id TEXT)", {"id", "cat_id"}),
        (
            "CREATE TABLE cats (id INT PRIMARY KEY); CREATE TABLE old (no INT PRIMARY KEY);"
            "CREATE TABLE r (cat_id INT REFERENCES old)",
            {"id", "cat_id", "no"},
        ),
    ],
)
def test_keys_called_id_are_named_after_their_table_unless_that_means_something_else(tmp_path, tables, names):
    assert opened(tmp_path, tables).card.properties.keys() - {"table", "query"} == names


def test_a_key_tells_its_type_before_anything_points_at_it(tmp_path):
    script = """CREATE TABLE cats (id TEXT PRIMARY KEY); INSERT INTO cats VALUES ('K-1');
        CREATE TABLE naps (id INTEGER PRIMARY KEY, cat_id TEXT REFERENCES cats)"""
    source = opened(tmp_path, script)
    assert property_of(source, "cat_id")["pattern"] == "^K-[0-9]+$"
    assert property_of(source, "nap_id")["type"] == "integer"


def test_choices_are_those_of_every_table_and_of_check_constraints(shop):
    assert set(property_of(shop, "state")["enum"]) == {"open", "sent", "gone back", "lost", "there"}


def test_labels_tell_planners_their_values_but_not_the_model(shop):
    from rag.plan import plan_schema

    assert "Desk Lamp" in property_of(shop, "product")["values"]
    assert "Desk Lamp" not in str(plan_schema([shop.card]))
    assert shop.card.title_field == "product"


def test_text_that_holds_dates_is_a_date(shop):
    assert property_of(shop, "left_on_from")["format"] == "date"


def test_the_card_tells_tables_and_columns(shop):
    assert "shipments (id, order_id, state, left_on)" in shop.card.about


def test_a_table_called_like_the_source_is_the_default(shop_path):
    for name, table in (("Order", "orders"), ("shipments", "shipments"), ("anything", "customers")):
        source = sql(name, f"sqlite:///{shop_path}")
        assert f"by default {table}" in source.card.properties["table"]["description"]
        source.close()


def test_one_table_needs_no_table_argument(shop_path):
    source = sql("x", f"sqlite:///{shop_path}", tables=["customers"])
    assert "table" not in source.card.properties
    source.close()


def test_columns_may_be_called_anything(tmp_path):
    script = """CREATE TABLE t ("table" TEXT, query TEXT, newest INT, json TEXT, "unit price" INT, _x TEXT,
        model_config TEXT, day DATE, day_from INT, "a""b:c%s" TEXT);
        INSERT INTO t VALUES ('a b', 'b', 1, 'c', 2, 'd', 'e', '2026-01-01', 4, 'f')"""
    source = opened(tmp_path, script)
    named = {"table_is", "query_is", "newest_is", "json", "unit price", "_x", "model_config", 'a"b:c%s'}
    assert named <= source.card.properties.keys()
    assert source.card.argument_of_role("query") == "query"


async def test_filters_on_oddly_named_columns_find_their_rows(tmp_path):
    from rag.types import Scope

    source = opened(tmp_path, """CREATE TABLE t ("unit price" INT, "a""b:c%s" TEXT); INSERT INTO t VALUES (2, 'f')""")
    (row,) = await source.call({"unit price": 2, 'a"b:c%s': "f"}, Scope())
    assert row == {"unit price": 2, 'a"b:c%s': "f"}


def test_a_wide_schema_stays_usable(tmp_path):
    tables = (
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, {', '.join(f'c{n}_{m} INT' for m in range(10))});"
        for n in range(30)
    )
    source = opened(tmp_path, "".join(tables))
    assert len(source.card.properties) <= MAX_FILTERS + 3
    assert "id" in source.card.properties
    assert len(source.card.signature) < 1500
    assert len(source.card.about) < 1500


def test_a_database_without_rows_is_opened(tmp_path):
    source = opened(tmp_path, "CREATE TABLE t (id TEXT PRIMARY KEY, name TEXT, day DATE)")
    assert {"t_id", "name", "day_from"} <= source.card.properties.keys()


def test_dates_that_are_kept_as_numbers_are_not_offered_as_dates(tmp_path):
    source = opened(tmp_path, "CREATE TABLE t (at DATETIME, n INT); INSERT INTO t VALUES (1767225600, 1)")
    assert "at_from" not in source.card.properties


def test_only_the_keys_that_most_point_at_have_names_of_their_own_in_a_wide_schema(tmp_path):
    tables = "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, state DATE);" for n in range(30))
    source = opened(tmp_path, tables + "CREATE TABLE u (t29_id INTEGER REFERENCES t29, t29_note TEXT)")
    assert {"t0_id", "t29_id", "id", "state_from"} <= source.card.properties.keys()
    assert "t28.id" in source.card.properties["id"]["description"]


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["C-17", "C-204"], "^C-[0-9]+$"),
        (["INV/2024/1", "INV/2025/33"], "^INV/[0-9]+/[0-9]+$"),
        (["NW59", "PP10"], "^[A-Za-z]{2}[0-9]+$"),
        (["a1", "B-2"], None),
        (["2024", "2025"], None),
        (["Heron 2 Lamp"], None),
        (["a.b1"], r"^a\.b[0-9]+$"),
        ([], None),
    ],
)
def test_shape(values, pattern):
    assert shape(values) == pattern


def test_shapes_of_private_values_do_not_tell_their_letters():
    assert shape(["GLOBEX-1", "GLOBEX-2"], literal=False) == "^[A-Za-z]{6}-[0-9]+$"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("red", "blue", "red", "blue"), "enum"),
        (("red", "blue", "green"), "label"),
        (("x" * 81, "y"), "prose"),
        (("2026-01-02", "2026-02-03"), "date"),
        (("2026-01-02 10:00", "2026-02-03T11:00:00Z"), "datetime"),
        ((), "label"),
    ],
)
def test_what_text_is_used_as(values, kind):
    assert described(Column("c", "prose"), Sample(values)).kind == kind


def test_choices_seen_in_part_of_the_rows_are_no_full_list():
    sample = Sample(("red", "blue", "red", "blue"), complete=False)
    assert described(Column("c", "prose"), sample).kind == "label"


def test_private_values_are_kept_out():
    assert described(Column("c", "prose"), Sample(("red",) * 4, public=False)).values == ()


def test_new_rows_do_not_change_the_card_s_fingerprint(tmp_path):
    script = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t (name) VALUES ('one');"
    before = opened(tmp_path, script)
    after = opened(tmp_path, "INSERT INTO t (name) VALUES ('two');")
    assert before.card.properties != after.card.properties
    assert before.card.fingerprint == after.card.fingerprint
    opened(tmp_path, "ALTER TABLE t ADD COLUMN state TEXT;")
    filled = opened(tmp_path, "INSERT INTO t (name, state) VALUES ('a', 'open'), ('b', 'open');")
    more = opened(tmp_path, "INSERT INTO t (name, state) VALUES ('c', 'shut'), ('d', 'shut');")
    assert [card.properties["state"]["anyOf"][0]["enum"] for card in (filled.card, more.card)] == [
        ["open"],
        ["open", "shut"],
    ]
    assert filled.card.fingerprint == more.card.fingerprint
    changed = opened(tmp_path, "ALTER TABLE t ADD COLUMN size INTEGER;")
    assert changed.card.fingerprint != more.card.fingerprint
