"""References: the grammar, what they pick, and that texts keep what they are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.plan import EVERY, Ref, Template, parse_value, references, text, unparse_value

ROWS = [
    {"id": "a", "price": 2, "tags": [{"n": 1}, {"n": 2}], "odd name": {"x": None}},
    {"id": "b", "tags": []},
]


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        ("$s1.price", Ref("s1", (0, "price"))),
        ("$s1[0].price", Ref("s1", (0, "price"))),
        ('$s1["odd name"].x', Ref("s1", (0, "odd name", "x"))),
        ("$s1[1]", Ref("s1", (1,))),
        ("$s1[*].tags[*].n", Ref("s1", (EVERY, "tags", EVERY, "n"))),
        (r'$s1["say \"hi\""]', Ref("s1", (0, 'say "hi"'))),
        ("$s1.größe", Ref("s1", (0, "größe"))),
        ("$s1.名前", Ref("s1", (0, "名前"))),
        ("$name", "$name"),
        ("$$s1.price", "$s1.price"),
        ("costs $5.99", "costs $5.99"),
        ("$s1.", "$s1."),
        ("$s1[x]", "$s1[x]"),
        ("", ""),
        ("a $s1.id b", Template(("a ", Ref("s1", (0, "id")), " b"))),
        ("$s1.id$s2.id", Template((Ref("s1", (0, "id")), Ref("s2", (0, "id"))))),
        ("$s1.id$;.txt", Template((Ref("s1", (0, "id")), ".txt"))),
        ("$s1.id$;[0]", Template((Ref("s1", (0, "id")), "[0]"))),
        ("$s1.id$", Template((Ref("s1", (0, "id")), "$"))),
        ("$$$s1.id", Template(("$", Ref("s1", (0, "id"))))),
    ],
)
def test_a_string_is_read_by_the_grammar(written, parsed):
    assert parse_value(written) == parsed


def test_references_are_found_at_any_depth():
    value = parse_value({"a": ["$s1.id", {"b": "x $s2.y"}], "c": 3})
    assert [str(ref) for ref in references(value)] == ["$s1[0].id", "$s2[0].y"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0, "price"), 2),
        ((1, "price"), None),
        ((7, "price"), None),
        ((EVERY, "id"), ["a", "b"]),
        ((EVERY, "price"), [2, None]),
        ((EVERY, "tags", EVERY, "n"), [[1, 2], []]),
        ((0, "tags", 1, "n"), 2),
        ((0, "odd name", "x"), None),
        ((0, "id", "deeper"), None),
        ((0, "id", 0), None),
        ((0, "price", EVERY), []),
    ],
)
def test_a_reference_picks_its_value_or_none(path, value):
    assert Ref("s1", path).pick(ROWS) == value


def test_a_picked_value_is_never_read_as_a_reference():
    assert Ref("s1", (0, "id")).pick([{"id": "$s2.secret"}]) == "$s2.secret"


def test_a_reference_needs_a_path():
    with pytest.raises(ValueError, match="needs a path"):
        Ref("s1", ())


def test_text_joins_literals_and_keeps_a_lone_reference_typed():
    ref = Ref("s1", ("id",))
    assert text("a", "b") == "ab"
    assert text("", ref, "") == ref
    assert text("a ", ref) == Template(("a ", ref))


_names = st.text(max_size=8)
_elements = st.one_of(_names, st.integers(0, 10**9 - 1), st.just(EVERY))
_refs = st.builds(
    Ref,
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True),
    st.lists(_elements, min_size=1, max_size=4).map(tuple),
)
_literals = st.one_of(st.text(max_size=20), st.from_regex(r"(\$|\$\$|\.|\[|s1|\*|\]|\"){0,8}", fullmatch=True))
_texts = st.lists(st.one_of(_literals, _refs), max_size=5).map(lambda parts: text(*parts))
_scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
arg_values = st.recursive(
    st.one_of(_scalars, _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(arg_values)
@example(text(Ref("s1", (EVERY,)), ".a"))
@example(text(Ref("s1", ("a",)), '["', Ref("s2", ("b",)), '"]'))
@example(text(Ref("s1", ("a",)), "$;5"))
def test_what_is_written_is_read_back_the_same(value):
    assert parse_value(unparse_value(value)) == value


@given(st.text())
def test_any_text_can_be_read_and_its_writing_is_stable(written):
    value = parse_value(written)
    assert parse_value(unparse_value(value)) == value
