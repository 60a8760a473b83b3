"""Every block of Python under docs/ runs, and what stands below it is what it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import rag

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def _less_times(text: str) -> str:
    return re.sub(r"\b[\d.]+ m?s\b", "0 s", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_and_print_what_is_shown(page):
    names, printed = {"rag": rag, "__name__": page.stem}, None
    for language, text in re.findall(
        r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        if language == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(text, page.name, "exec", dont_inherit=True), names)
            printed = output.getvalue()
        elif language == "text" and printed:
            assert _less_times(text) == _less_times(printed)
