"""Which documents a path yields, under which ids and titles."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from rag.errors import LoadError
from rag.ingest import Document, load


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def ids(documents: Iterable[Document]) -> list[str]:
    return [document.doc_id for document in documents]


def test_a_folder_yields_its_files_by_name_with_what_is_beneath(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"b.md": "B", "a.txt": "A", "sub/deep/c.rst": "C"})
    assert ids(load(root)) == ["docs/a.txt", "docs/b.md", "docs/sub/deep/c.rst"]


def test_a_single_file_counts_as_in_its_own_folder(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"a.md": "# Title\n\ntext"})
    assert list(load(root / "a.md")) == list(load(root))


def test_ids_do_not_depend_on_how_the_path_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "docs", {"sub/a.md": "A"})
    monkeypatch.chdir(root)
    assert ids(load(".")) == ids(load("../docs/")) == ids(load(str(root))) == ["docs/sub/a.md"]
    assert ids(load("sub/a.md")) == ["sub/a.md"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"a.md": "A", ".b.md": "B", ".git/c.md": "C"})
    assert ids(load(root)) == ["docs/a.md"]


def test_suffixes_are_told_in_any_case(tmp_path: Path) -> None:
    assert ids(load(write(tmp_path / "docs", {"A.MD": "A"}))) == ["docs/A.MD"]


def test_paths_are_loaded_in_their_order_and_nothing_twice(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"a.md": "A", "b.md": "B"})
    assert ids(load(root / "b.md", root, root)) == ["docs/b.md", "docs/a.md"]


def test_two_files_with_one_id_are_an_error_when_named_and_a_skip_in_a_folder(tmp_path: Path) -> None:
    one = write(tmp_path / "one/docs", {"a.md": "A"})
    two = write(tmp_path / "two/docs", {"a.md": "other", "b.md": "B"})
    with pytest.raises(LoadError, match=r"the id 'docs/a.md', as another one in .*one/docs/a.md"):
        list(load(one, two / "a.md"))
    skipped: list[tuple[Path, str]] = []
    assert ids(load(one, two, on_skip=lambda path, reason: skipped.append((path, reason)))) == [
        "docs/a.md",
        "docs/b.md",
    ]
    assert [path for path, _ in skipped] == [two / "a.md"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: From above\n---\n# Heading\n", "From above"),
        ("+++\ntitle = 'From TOML'\n+++\n# Heading\n", "From TOML"),
        ("Some text.\n\n## Heading ##\n\nMore.", "Heading"),
        ("Underlined\n==========\n\ntext", "Underlined"),
        ("```\n# a comment\n```\n\nNo heading.", "a"),
    ],
)
def test_the_title_is_the_front_matters_else_the_first_heading_else_the_stem(
    tmp_path: Path, text: str, title: str
) -> None:
    (document,) = load(write(tmp_path, {"a.md": text}) / "a.md")
    assert document.title == title


def test_front_matter_becomes_metadata_and_leaves_the_text(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.md": "---\ntitle: T\nrating: 4\ndate: 2026-10-03\n---\n\nThe text."}) / "a.md"
    (document,) = load(path)
    assert document.metadata == {"rating": 4, "date": "2026-10-03"}
    assert document.text == "The text."


def test_links_are_followed_and_rings_of_links_end(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"c.md": "C"})
    root = write(tmp_path / "docs", {"sub/a.md": "A"})
    (root / "sub/up").symlink_to(root)
    (root / "again").symlink_to(root / "sub")
    (root / "linked").symlink_to(outside)
    (root / "ring.md").symlink_to(root / "ring.md")
    skipped: dict[Path, str] = {}
    assert ids(load(root, on_skip=skipped.__setitem__)) == ["docs/linked/c.md", "docs/sub/a.md"]
    assert list(skipped) == [root / "ring.md"]


def test_a_linked_root_goes_by_the_links_name(tmp_path: Path) -> None:
    write(tmp_path / "v3", {"a.md": "A"})
    (tmp_path / "docs").symlink_to(tmp_path / "v3")
    assert ids(load(tmp_path / "docs")) == ["docs/a.md"]


def test_without_a_listener_each_skip_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write(tmp_path / "docs", {"a.md": "A", "b.png": "B"})
    with caplog.at_level(logging.WARNING):
        list(load(root))
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == [f"skipped {root / 'b.png'}"]


def test_loading_is_lazy_but_paths_are_checked_at_the_call(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"a.md": "A", "b.md": "B"})
    documents = load(root)
    assert isinstance(next(documents), Document)
    (root / "b.md").write_text("changed")
    assert next(documents).text == "changed"
    with pytest.raises(LoadError, match="no such file"):
        load(root, root / "missing.md")


def test_a_path_like_object_will_do(tmp_path: Path) -> None:
    root = write(tmp_path / "docs", {"a.md": "A"})
    with os.scandir(tmp_path) as entries:
        assert ids(load(*entries)) == ids(load(root))
