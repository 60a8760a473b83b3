"""Where sentences end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.ingest import sentences


@pytest.mark.parametrize(
    "text",
    [
        "It works.|Does it?|Yes!|Good.",
        "Dr. Doe met J. R. Roe et al. in Bonn.|They spoke.",
        "See Fig. 3 and pp. 4-5.|No. 7 is out.|We said no.|Then we left.",
        "It grew by 3.5 percent, e.g. Berlin, i.e. Here.|Next.",
        "She lives in the U.S.|The flat is small.",
        "The U.S. Army came.",
        "It was made by Acme Inc.|It lasts.",
        'He said "Stop."|Then he left.|(It was late.)|"Why?" she asked.',
        "It was found.[12]|The rest was not.",
        "Wait…|What?!|Oh...|Fine.",
        "No full stop here|\n\nbut an empty line",
        "これは文です。|次の文です！|终。",
        "Version 2.0 is out on example.com today.",
        "1. Open the lid.|\n2. Close it.",
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str) -> None:
    wanted = [part.strip() for part in text.split("|")]
    text = text.replace("|\n", "\n").replace("|", " ")
    assert [text[start:end] for start, end in sentences(text)] == wanted


@given(st.text(alphabet=st.sampled_from("aB1 .!?\n\t\"'()[]。…")) | st.text())
def test_spans_are_in_order_trimmed_and_lose_nothing_but_space(text: str) -> None:
    spans = sentences(text)
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
