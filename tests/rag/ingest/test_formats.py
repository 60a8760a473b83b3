"""What each file type holds."""

import json
from pathlib import Path

import pytest

from rag.ingest import Document, load


def loaded(tmp_path: Path, name: str, text: str) -> list[Document]:
    path = tmp_path / "data" / name
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return list(load(path))


def test_a_jsonl_file_is_a_document_a_line(tmp_path: Path) -> None:
    rows = [{"id": 7, "title": "T", "text": "x", "year": 2020}, {"text": "y", "metadata": {"kind": "note"}}]
    first, second = loaded(tmp_path, "rows.jsonl", "\n\n".join(map(json.dumps, rows)))
    assert first == Document(doc_id="data/rows.jsonl/7", title="T", text="x", metadata={"id": 7, "year": 2020})
    assert second == Document(doc_id="data/rows.jsonl/3", title="rows", text="y", metadata={"kind": "note"})


@pytest.mark.parametrize("field", ["_id", "doc_id"])
@pytest.mark.parametrize("given", ["4983", "data/4983"])
def test_an_id_for_the_whole_collection_is_kept_as_in_beir(tmp_path: Path, field: str, given: str) -> None:
    (document,) = loaded(tmp_path, "corpus.jsonl", json.dumps({field: given, "title": "T", "text": "x"}))
    assert document == Document(doc_id="data/4983", title="T", text="x")


def test_an_id_that_a_file_gives_cannot_be_another_folders(tmp_path: Path) -> None:
    (document,) = loaded(tmp_path, "rows.jsonl", '{"doc_id": "policies/returns.md", "text": "x"}')
    assert document.doc_id == "data/policies/returns.md"


def test_an_object_without_a_text_is_told_field_by_field(tmp_path: Path) -> None:
    row = {"name": "Wren", "price": 59.5, "colours": ["red", "bl\u00fc"], "note": None}
    (document,) = loaded(tmp_path, "rows.jsonl", json.dumps(row))
    assert document.text == 'name: Wren\nprice: 59.5\ncolours: ["red", "blü"]'
    assert document.title == "Wren"
    assert document.metadata == row


def test_a_title_alone_is_the_text(tmp_path: Path) -> None:
    (document,) = loaded(tmp_path, "rows.jsonl", '{"title": "Only a title", "text": ""}')
    assert document.text == "Only a title"


def test_a_line_separator_inside_a_json_string_does_not_end_the_line(tmp_path: Path) -> None:
    (document,) = loaded(tmp_path, "rows.jsonl", '{"text": "a\u2028b"}')
    assert document.text == "a\u2028b"


def test_a_json_array_of_objects_is_a_document_an_entry(tmp_path: Path) -> None:
    documents = loaded(tmp_path, "rows.json", '[{"text": "x"}, {"id": "b", "text": "y"}]')
    assert [document.doc_id for document in documents] == ["data/rows.json/1", "data/rows.json/b"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [('{"text": "x", "id": 9}', "x"), ('{"a": 1, "b": {"c": 2}}', 'a: 1\nb: {"c": 2}'), ("[1, 2]", "[1, 2]")],
)
def test_any_other_json_is_one_document(tmp_path: Path, text: str, shown: str) -> None:
    (document,) = loaded(tmp_path, "one.json", text)
    assert (document.doc_id, document.text) == ("data/one.json", shown)


def test_a_csv_file_is_a_readable_document_a_row(tmp_path: Path) -> None:
    text = 'id,title,note\nP-1,Wren,"two\nlines, one field"\n\nP-2,Lark,\n'
    first, second = loaded(tmp_path, "products.csv", text)
    assert first.doc_id == "data/products.csv/P-1"
    assert first.text == "id: P-1\ntitle: Wren\nnote: two\nlines, one field"
    assert (second.title, second.text) == ("Lark", "id: P-2\ntitle: Lark")
    assert second.metadata == {"id": "P-2"}


@pytest.mark.parametrize(("name", "text"), [("a.csv", "x;y\n1,5;2"), ("a.tsv", "x\ty\n1,5\t2")])
def test_columns_may_be_parted_by_semicolons_or_tabs(tmp_path: Path, name: str, text: str) -> None:
    (document,) = loaded(tmp_path, name, text)
    assert document.metadata == {"x": "1,5", "y": "2"}
    assert document.doc_id == f"data/{name}/1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Grüße\r\nand 漢字\rend".encode(encoding))
    (document,) = load(path)
    assert document.text == "Grüße\nand 漢字\nend"


def test_html_keeps_headings_lists_tables_and_code_and_drops_scripts(tmp_path: Path) -> None:
    page = (
        "<head><title>Care &amp; use</title><style>p {}</style></head><h1>The <em>Wren</em></h1><h2></h2>"
        "<p>Wipe\n it.<br>Dry it.<script>x()</script></p><ul><li>One<li><p>Two</p></ul><svg><title>no</title></svg>"
        "<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table><pre># no heading\n  indented</pre>"
    )
    (document,) = loaded(tmp_path, "care.html", page)
    assert document.title == "Care & use"
    assert document.text == (
        "# The Wren\n\nWipe it.\nDry it.\n\n- One\n- Two\n\na | b\n1 | 2\n\n```\n# no heading\n  indented\n```"
    )


def test_html_without_a_title_takes_its_first_heading(tmp_path: Path) -> None:
    (document,) = loaded(tmp_path, "a.htm", "<p>Before</p><h2>Found</h2>")
    assert document.title == "Found"
