"""Plans as pictures."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as XML

from hypothesis import given
from hypothesis import strategies as st

from rag.plan import Plan, Ref, Step, text
from rag.plan.svg import svg

CHAIN = Plan.from_json(
    {
        "steps": [
            {"id": "s1", "source": "orders", "args": {"newest": 1}},
            {"id": "s2", "source": "policies", "args": {"query": "return window " * 9}},
            {"id": "s3", "source": "reviews", "args": {"query": "battery of $s1.product"}},
            {"id": "s4", "source": "products", "args": {"query": "$s1.product"}, "if_empty": "s3"},
        ]
    }
)
SVG = "{http://www.w3.org/2000/svg}"


def _boxes(plan):
    """Each step's box as (left, top, right, bottom), by its tooltip's first word."""
    found = {}
    for group in XML.fromstring(svg(plan)).iter(f"{SVG}g"):
        if (title := group.find(f"{SVG}title")) is not None:
            x, y, width, height = (float(group.find(f"{SVG}rect").get(a)) for a in ("x", "y", "width", "height"))
            found[title.text.split()[0]] = (x, y, x + width, y + height)
    return found


def _texts(plan):
    return ["".join(text.itertext()) for text in XML.fromstring(svg(plan)).iter(f"{SVG}text")]


def test_a_step_stands_right_of_those_it_waits_for():
    boxes = _boxes(CHAIN)
    assert boxes["s1"][0] == boxes["s2"][0]
    assert boxes["s1"][2] < boxes["s3"][0]
    assert boxes["s3"][2] < boxes["s4"][0]


def test_each_dependency_is_an_arrow_and_that_of_if_empty_is_dashed():
    paths = [p for p in XML.fromstring(svg(CHAIN)).iter(f"{SVG}path") if p.get("fill") == "none"]
    assert len(paths) == 3
    assert [bool(path.get("stroke-dasharray")) for path in paths] == [False, False, True]
    assert "only if s3 finds nothing" in _texts(CHAIN)


def test_an_arrow_that_skips_a_column_passes_no_box():
    wide = Plan.from_json(
        {
            "steps": [
                {"id": "a", "source": "x"},
                {"id": "b", "source": "x", "after": ["a"]},
                {"id": "c", "source": "x", "after": ["a", "b"]},
            ]
        }
    )
    (_, top, _, bottom) = _boxes(wide)["b"]
    passing = next(p.get("d") for p in XML.fromstring(svg(wide)).iter(f"{SVG}path") if "H" in p.get("d"))
    lane = float(passing.split("H")[0].split()[-1])
    assert not top <= lane <= bottom


def test_long_arguments_are_cut_and_told_in_full_by_the_tooltip():
    assert 'query: "return window return window ret' in next(t for t in _texts(CHAIN) if t.endswith("…"))
    assert max(map(len, _texts(CHAIN))) <= 44
    titles = [title.text for title in XML.fromstring(svg(CHAIN)).iter(f"{SVG}title")]
    assert titles[1] == f's2  policies(query="{"return window " * 9}")'


def test_a_reference_at_the_end_of_a_long_argument_is_kept():
    step = Step(
        id="s2", source="x", args={"query": text("what do buyers say about the battery of ", Ref("s1", ("a",)))}
    )
    assert _texts(Plan(steps=(step,)))[1] == 'query: "what do buyer…ttery of $s1[0].a"'


def test_many_arguments_are_counted():
    step = Step(id="s1", source="x", args={f"a{n}": n for n in range(9)})
    assert _texts(Plan(steps=(step,)))[1:] == ["a0: 0", "a1: 1", "a2: 2", "… 6 more"]


def test_wide_letters_do_not_leave_the_box():
    plan = Plan(steps=(Step(id="s1", source="本" * 60, args={"query": "長" * 60}),))
    (left, _, right, _) = _boxes(plan)["s1"]
    assert right - left < 340
    assert all(len(text) <= 26 for text in _texts(plan))


def test_nothing_is_run_or_fetched_and_every_text_is_escaped():
    evil = '"><script>alert(1)</script><image href=x onerror=alert(1)>'
    plan = Plan(steps=(Step(id="s1", source=evil, args={evil: evil, "r": Ref("s1", (evil,))}),), notes=(evil,))
    page = plan._repr_mimebundle_()["text/html"]
    assert "<script" not in page
    assert "<image" not in page
    assert not {element.tag.removeprefix(SVG) for element in XML.fromstring(svg(plan)).iter()} - {
        "svg", "g", "title", "rect", "text", "tspan", "path",
    }  # fmt: skip
    assert "url(" not in page


def test_a_plan_that_cannot_run_is_drawn_and_says_so():
    ring = Plan.from_json({"steps": [{"id": i, "source": "x", "after": [j]} for i, j in ("ab", "ba")]})
    assert len(_boxes(ring)) == 2
    assert "this plan cannot run: steps wait for each other in a ring" in ring._repr_mimebundle_()["text/html"]
    assert "cannot run" not in CHAIN._repr_mimebundle_()["text/html"]


def test_no_retrieval_is_told():
    bundle = Plan()._repr_mimebundle_()
    assert "no retrieval" in bundle["text/html"]
    assert bundle["text/plain"] == "(no retrieval)"


_names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=60)
_plans = st.integers(1, 7).flatmap(
    lambda size: st.tuples(
        *(
            st.builds(
                Step,
                id=st.just(f"s{n}"),
                source=_names,
                args=st.dictionaries(_names, _names, max_size=6),
                after=st.lists(st.sampled_from([f"s{m}" for m in range(n + 1)]), max_size=3).map(tuple),
                if_empty=st.none() | st.sampled_from([f"s{m}" for m in range(n + 1)]),
            )
            for n in range(size)
        )
    ).map(lambda steps: Plan(steps=steps))
)


@given(_plans)
def test_boxes_lie_within_the_picture_and_do_not_overlap(plan):
    boxes = _boxes(plan)
    assert len(boxes) == len(plan.steps)
    whole = XML.fromstring(svg(plan))
    assert all(b[2] <= float(whole.get("width")) and b[3] <= float(whole.get("height")) for b in boxes.values())
    for one, other in combinations(boxes.values(), 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart
