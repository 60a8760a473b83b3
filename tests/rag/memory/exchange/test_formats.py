"""Exports of other systems, as turns."""

import json
from datetime import UTC, datetime

import pytest

from rag import Memory
from rag.errors import InputError
from rag.memory.exchange import imported, read_export


def message(ident, role, text, at, parent, *children, **more):
    content = {"content_type": "text", "parts": [text]}
    told = {"id": ident, "author": {"role": role}, "create_time": at, "content": content, "recipient": "all"} | more
    return {"id": ident, "message": told, "parent": parent, "children": list(children)}


CHATGPT = [
    {
        "id": "conv",
        "title": "Kettles",
        "create_time": 1000.0,
        "current_node": "better",
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["system"]},
            "system": message("system", "system", "", None, "root", "asked"),
            "asked": message("asked", "user", "Which kettle?", 1001.5, "system", "worse", "searched"),
            "worse": message("worse", "assistant", "Any.", 1002.0, "asked"),
            "searched": message("searched", "assistant", "kettles", 1003.0, "asked", "better", recipient="browser"),
            "better": message("better", "assistant", "The red one.", None, "searched"),
        },
    }
]
LANGCHAIN = [
    {"type": "system", "data": {"content": "Be kind."}},
    {"type": "human", "data": {"content": "Hello", "id": "m1"}},
    {"type": "ai", "data": {"content": [{"type": "text", "text": "Hi"}], "tool_calls": [{"name": "f", "args": {}}]}},
]
MEM0 = {
    "results": [
        {
            "id": "b",
            "memory": "Likes tea",
            "user_id": "ann",
            "created_at": "2026-05-06T09:00:00-07:00",
            "categories": ["x"],
        },
        {"id": "a", "memory": "Is vegan", "user_id": "ann", "created_at": "2026-05-05T09:00:00-07:00", "run_id": "r1"},
    ]
}
ZEP = {
    "session_id": "s1",
    "messages": [
        {"uuid": "1", "role_type": "user", "role": "Ann", "content": "Hello", "created_at": "2026-05-05T09:00:00Z"},
        {"uuid": "2", "role_type": "assistant", "role": "bot", "content": "Hi", "created_at": "2026-05-05T09:00:01Z"},
    ],
}


def said(data, form=None, **how):
    return [(name, turn.role, turn.text) for name, turn in read_export(json.dumps(data), form, **how)]


def test_of_chatgpt_the_branch_that_is_shown_is_read():
    assert said(CHATGPT) == [("conv", "user", "Which kettle?"), ("conv", "assistant", "The red one.")]


def test_a_message_of_chatgpt_without_a_time_has_that_of_the_one_before():
    (_, first), (_, second) = read_export(json.dumps(CHATGPT), zone="Europe/Berlin")
    assert first.at == datetime.fromtimestamp(1001.5, UTC)
    assert second.at == datetime.fromtimestamp(1003.0, UTC)
    assert first.zone == "Europe/Berlin"


def test_a_tree_of_chatgpt_with_a_ring_ends():
    broken = json.loads(json.dumps(CHATGPT))
    broken[0]["mapping"]["asked"]["parent"] = "better"
    assert ("conv", "assistant", "The red one.") in said(broken)


def test_a_message_of_chatgpt_without_an_id_gets_one_that_stays():
    nameless = json.loads(json.dumps(CHATGPT))
    del nameless[0]["mapping"]["asked"]["message"]["id"]
    one, other = ([turn.turn_id for _, turn in read_export(json.dumps(nameless))] for _ in range(2))
    assert one == other
    assert "" not in one
    assert one[1] == "better"


def test_of_langchain_messages_are_read_in_order():
    assert said(LANGCHAIN, conversation="c") == [("c", "user", "Hello"), ("c", "assistant", "Hi")]


@pytest.mark.parametrize(
    "data",
    [
        {"s": LANGCHAIN},
        {"session_id": "s", "messages": LANGCHAIN},
        [{"session_id": "s", "message": json.dumps(one)} for one in LANGCHAIN],
        [{"session_id": "s", "history": LANGCHAIN}],
    ],
)
def test_histories_of_langchain_come_by_session(data):
    assert said(data) == [("s", "user", "Hello"), ("s", "assistant", "Hi")]


def test_messages_that_langchain_dumped_are_read():
    from langchain_core.load import dumpd
    from langchain_core.messages import AIMessage, HumanMessage

    assert said([dumpd(HumanMessage("Hello")), dumpd(AIMessage("Hi"))], conversation="c") == [
        ("c", "user", "Hello"),
        ("c", "assistant", "Hi"),
    ]


def test_of_mem0_each_memory_is_a_turn_in_order_of_time():
    assert said(MEM0, conversation="facts") == [("r1", None, "Is vegan"), ("facts", None, "Likes tea")]
    (_, turn), _ = read_export(json.dumps(MEM0["results"]))
    assert (turn.speaker, turn.at.isoformat()) == ("ann", "2026-05-05T09:00:00-07:00")


def test_of_zep_names_and_roles_are_told_apart():
    assert said(ZEP) == [("s1", "user", "Hello"), ("s1", "assistant", "Hi")]
    assert [turn.speaker for _, turn in read_export(json.dumps(ZEP))] == ["Ann", "bot"]


def test_of_zep_several_threads_are_read():
    later = {"thread_id": "t2", "messages": [{"uuid": "3", "role": "user", "name": "Bob", "content": "Yes"}]}
    (*_, last) = read_export(json.dumps({"threads": [ZEP, later]}))
    assert (last[0], last[1].role, last[1].speaker) == ("t2", "user", "Bob")


@pytest.mark.parametrize("data", [CHATGPT, {"s": LANGCHAIN}, MEM0, ZEP], ids=["chatgpt", "langchain", "mem0", "zep"])
def test_importing_an_export_twice_adds_nothing(data):
    with Memory.open("sqlite://") as memory:
        for _ in range(2):
            imported(memory, read_export(json.dumps(data)))
        count = sum(len(memory.turns(name)) for name in memory.conversations())
        assert count == 2


@pytest.mark.parametrize("text", ['{"what": 1}', "[1, 2]", "[]", '"text"', "null"])
def test_what_is_no_export_is_refused(text):
    with pytest.raises(InputError, match="no export"):
        list(read_export(text))


def test_a_format_that_is_named_must_fit():
    with pytest.raises(InputError, match="zep"):
        list(read_export(json.dumps(CHATGPT), "zep"))


def test_lines_are_told_by_their_shape():
    one = '{"conversation": "c", "turn_id": "1", "text": "fine", "at": "2026-05-05T09:00:00Z"}'
    assert [turn.turn_id for _, turn in read_export(one)] == ["1"]
    assert len(list(read_export(f"{one}\n{one}\n"))) == 2


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b"])
def test_lines_end_where_json_lines_do(end):
    lines = "".join(
        json.dumps({"conversation": "c", "turn_id": str(n), "text": f"one{end}two"}, ensure_ascii=False) + "\r\n"
        for n in range(2)
    )
    for form in (None, "lines"):
        assert [turn.text for _, turn in read_export(lines, form)] == [f"one{end}two"] * 2


def test_a_mark_before_the_text_is_passed_over():
    assert [name for name, _ in read_export('\ufeff{"conversation": "c", "text": "Hello"}')] == ["c"]
    assert [name for name, *_ in read_export("\ufeff" + json.dumps(CHATGPT))] == ["conv", "conv"]


def test_a_time_that_is_none_is_refused():
    broken = [{"id": "a", "memory": "x", "created_at": "yesterday"}]
    with pytest.raises(InputError, match="'yesterday' is no time"):
        list(read_export(json.dumps(broken)))
