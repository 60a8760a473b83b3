"""What cannot be loaded: one clear line when it was named, a reason when a folder holds it."""

import os
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.errors import LoadError
from rag.ingest import load

BAD = {
    "empty.md": (b"", "it is empty"),
    "blank.txt": (b" \n\t\n", "it is empty"),
    "front.md": (b"---\ntitle: Nothing below\n---\n", "it holds no text"),
    "bare.html": (b"<html><script>x = 1</script></html>", "it holds no text"),
    "image.txt": (b"\x89PNG\r\n\0\0", "it is binary, not text: byte 6 is NUL"),
    "latin.md": ("Caf\xe9".encode("latin-1"), "it is not UTF-8 text: byte 3 cannot be decoded; save it as UTF-8"),
    "odd.txt": (b"\xff\xfea\x00b", "it is not UTF-16 text"),
    "sheet.pdf": (b"%PDF", "its type .pdf is unknown: convert it to text first"),
    "letter.docx": (b"PK", "its type .docx is unknown: convert it to markdown first"),
    "tune.mp3": (b"ID3", "its type .mp3 is unknown: the types that can be loaded are .md"),
    "Makefile": (b"all:", "its name has no suffix"),
    "line.jsonl": (b'{"text": "a"}\n\n{"text": oops}\n', "line 3 is not JSON: Expecting value at column 10"),
    "list.jsonl": (b'{"text": "a"}\n[1]\n', "line 2 is JSON, but not an object"),
    "whole.json": (b'{"a": 1,\n "b": }', "line 2 is not JSON: Expecting value at column 7"),
    "deep.json": (b"[" * 100_000, "line 1 cannot be read as JSON"),
    "typed.jsonl": (b'{"text": 5}', "line 1: its text is not a string"),
    "idless.jsonl": (b'{"id": [1], "text": "a"}', "line 1: its id is neither a string nor a whole number"),
    "twice.jsonl": (b'{"id": 1, "text": "a"}\n{"id": 1, "text": "b"}', r"line 2 has the id '.*/twice.jsonl/1', as"),
    "half.jsonl": (b'{"text": "x\\ud800"}', "line 1 cannot be stored: text: .*surrogate"),
    "half_told.jsonl": (b'{"text": "x", "by": "\\ud800"}', "line 1 cannot be stored: metadata: .*surrogate"),
    "endless.jsonl": (b'{"text": "x", "size": [1e999]}', "line 1 cannot be stored: metadata: .*not JSON compliant"),
    "wide.csv": (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields, and the first line names 2"),
    "same.csv": (b"a,a\n1,2\n", "its first line must give each column a name of its own"),
    "open.csv": (b'a,b\n1,"2\n3,4\n', "line 3 is not CSV: unexpected end of data"),
    "front_toml.md": (b"+++\ntitle = \n+++\ntext", "its front matter is not TOML"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_that_was_named_is_one_clear_line(tmp_path: Path, name: str) -> None:
    data, reason = BAD[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(LoadError, match=f"^cannot load {path}: {reason}") as caught:
        list(load(path))
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


def test_a_folder_skips_each_bad_file_with_its_reason_and_keeps_the_good(tmp_path: Path) -> None:
    for name, (data, _) in BAD.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "good.md").write_text("good")
    skipped: dict[str, str] = {}
    documents = list(load(tmp_path, on_skip=lambda path, reason: skipped.update({path.name: reason})))
    assert [document.text for document in documents] == ["good"]
    assert skipped.keys() == BAD.keys()


@pytest.mark.parametrize("name", ["missing.md", "missing", "a\0b.md"])
def test_a_path_that_is_not_there_is_an_error_at_the_call(tmp_path: Path, name: str) -> None:
    with pytest.raises(LoadError, match=r"no such file or folder|null byte") as caught:
        load(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_a_file_over_50_mb_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.md"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    tracemalloc.start()
    with pytest.raises(LoadError, match=r"larger than 50 MB \(200 MB\): split it"):
        list(load(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_pipe_is_refused_since_reading_it_may_never_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(LoadError, match="neither a file nor a folder"):
        load(tmp_path / "pipe.md")


def test_a_folder_where_nothing_can_be_loaded_says_up_to_five_reasons(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"{number}.png").write_bytes(b"x")
    with pytest.raises(LoadError, match=r"no file in it could be loaded: 0\.png: .*; 4\.png: [^;]*; …$") as caught:
        list(load(tmp_path, on_skip=lambda path, reason: None))
    assert caught.value.path == str(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="there is no file in it"):
        list(load(tmp_path))


def test_blank_rows_are_skipped_with_their_place_and_the_rest_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": " "}\n{}\n{"text": "b"}\n')
    reasons: list[str] = []
    assert [d.text for d in load(path, on_skip=lambda _, reason: reasons.append(reason))] == ["a", "b"]
    assert reasons == ["line 2 holds no text", "line 3 holds no text"]


def test_a_name_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("good")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.md")).write_text("bad")
    reasons: list[str] = []
    assert len(list(load(tmp_path, on_skip=lambda _, reason: reasons.append(reason)))) == 1
    assert "cannot be stored: doc_id" in reasons[0]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, to whom every file is readable."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is for its user alone."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "good.md").write_text("good")
        yield root


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir])
def test_what_may_not_be_read_is_skipped_in_a_folder_and_an_error_by_name(
    shared: Path, make: Callable[[Path], None]
) -> None:
    closed = shared / "closed.md"
    make(closed)
    closed.chmod(0)
    skipped: dict[Path, str] = {}
    with as_nobody():
        assert [d.text for d in load(shared, on_skip=skipped.__setitem__)] == ["good"]
        with pytest.raises(LoadError, match="it cannot be read: Permission denied"):
            list(load(closed))
    assert skipped == {closed: "it cannot be read: Permission denied"}
