from __future__ import annotations

import pytest

from rag.errors import MissingVariable, PromptError
from rag.protocols import Message
from rag.run.prompting import render

PROMPT = '+++\nid = "mine"\nversion = 1\ninputs = ["q"]\noutput = "text"\n+++\nBe brief.\n--- user ---\n{{q}}\n'


def test_a_prompt_of_the_users_folder_is_rendered_to_messages(tmp_path):
    (tmp_path / "mine.md").write_text(PROMPT)
    messages, identity = render("mine", {"q": "$s1.x {{q}}"}, tmp_path)
    assert messages == (Message("system", "Be brief."), Message("user", "$s1.x {{q}}"))
    assert identity.startswith("mine@1#")


def test_a_missing_value_is_named(tmp_path):
    (tmp_path / "mine.md").write_text(PROMPT)
    with pytest.raises(MissingVariable, match="prompt 'mine' needs a value for 'q'"):
        render("mine", {}, tmp_path)


@pytest.mark.parametrize("text", [None, "no front matter", PROMPT.replace("{{q}}", "{{p}}"), "\xff"])
def test_a_prompt_that_is_missing_or_malformed_is_a_prompt_error(tmp_path, text):
    if text is not None:
        (tmp_path / "mine.md").write_bytes(text.encode("latin-1"))
    with pytest.raises(PromptError, match="prompt 'mine'"):
        render("mine", {"q": "x"}, tmp_path)
